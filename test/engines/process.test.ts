import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProcessEngine } from '../../src/engines/process/process.ts';
import { nodeName } from '../../src/model/ids.ts';
import { engineContract, shellProgram } from '../contract/engine.ts';
import { processRevision } from './process-programs.ts';

engineContract('process', {
  clusterName: 'contract',
  harness: async () => {
    const root = mkdtempSync(join(tmpdir(), 'muster-process-'));
    return {
      firstPort: 19_200,
      open: async (cluster) =>
        openProcessEngine({ node: nodeName('n1'), root, siblingRoots: [], endpoint: { endpoint: 'local:' }, cluster }),
      revision: (program, overrides) => processRevision({ ...shellProgram(program), ...overrides }),
      foreign: async (name) => {
        const marker = join(root, name, 'somebody-elses');
        mkdirSync(join(root, name));
        writeFileSync(marker, 'precious');
        return { untouched: async () => existsSync(marker) && readFileSync(marker, 'utf8') === 'precious' };
      },
      cleanUp: async () => rmSync(root, { recursive: true, force: true }),
    };
  },
});

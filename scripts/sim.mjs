// Compiles the simulation and runs it: from source, where every closure is given its name each time that it is made, it takes
// a sixth longer. The arguments are its own (test/sim/main.ts).
import { spawnSync } from 'node:child_process';

const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.sim.json'];
const compiled = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(1);
const told = spawnSync(process.execPath, ['--no-warnings', '.build/sim/test/sim/main.js', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(told.status ?? 1);

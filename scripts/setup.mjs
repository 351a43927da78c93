// Brings a fresh clone to where a command can run: installs what package-lock.json says when node_modules is not that,
// generates what is not committed, compiles. Plain JavaScript and no dependency, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`muster needs Node 20.19 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}

const stamp = 'node_modules/.muster-installed';
const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock;
if (!installed) {
  // Not `npm ci`: it refuses a lock file that lacks some other platform's optional package, as mirrors that carry only
  // some platforms make it. `install --no-save` takes the same versions and writes nothing but node_modules.
  run('installing dependencies', 'npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}
run('generating', process.execPath, ['--import', 'tsx', 'scripts/generate.ts']);
run('compiling', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);

function run(what, command, args) {
  const startedAt = Date.now();
  const result = spawnSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}\n${what} failed: ${command} ${args.join(' ')}\n`);
    process.exit(1);
  }
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(`${what}: ${seconds} s\n`);
}

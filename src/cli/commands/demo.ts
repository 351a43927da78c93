import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStage, type Stage, sweep } from '../demo/stage.ts';
import { cleanUp, playStory } from '../demo/story.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';

export interface DemoFlags {
  readonly keep?: boolean;
  readonly color?: boolean;
}

/** Plays the main job with real git, real processes and this very program; under a minute, and nothing to type. */
export async function demo(flags: DemoFlags): Promise<ExitCode> {
  if (process.platform !== 'linux') {
    throw new CliError(
      `the demo runs local processes, which Muster supervises on Linux only; this is ${process.platform}`,
    );
  }
  const terminal = openTerminal(flags);
  const folder = mkdtempSync(join(tmpdir(), 'muster-demo-'));
  const write = (text: string): void => {
    process.stdout.write(text);
  };
  const startedAt = Date.now();
  // As this process was started: compiled, or from the sources through a loader.
  const program = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? '')];
  const stage = await openStage({
    folder,
    example: fileURLToPath(new URL('../../../examples/clusters/quickstart', import.meta.url)),
    program,
    write,
    color: terminal.color,
  });
  const interrupted = (): void => {
    sweep(stage);
    rmSync(folder, { recursive: true, force: true });
    process.exit(exitCodes.interrupted);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await playStory(stage);
    if (flags.keep === true) return lookAround(stage, program);
    await cleanUp(stage);
    stage.say(
      `That was the main job, in ${Math.round((Date.now() - startedAt) / 1000)} s. Start your own: muster init my-cluster`,
    );
  } catch (error) {
    sweep(stage);
    throw error;
  } finally {
    if (flags.keep !== true) rmSync(folder, { recursive: true, force: true });
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
  return exitCodes.ok;
}

function lookAround({ folder, repo, say }: Stage, program: readonly string[]): ExitCode {
  say('The cluster goes on running. To look around:\n');
  say(`  cd ${folder}; alias muster='${program.join(' ')}'`);
  say(
    `  export MUSTER_REPO=${repo} MUSTER_REF=main MUSTER_STATE_DIR=${join(folder, 'state')} MUSTER_CACHE_DIR=${join(folder, 'cache')}`,
  );
  say('  muster status');
  say(
    `  $EDITOR ${join(repo, 'workloads/web.yaml')}; git -C ${repo} commit -am 'my change'; muster plan; muster apply`,
  );
  say('  muster run                       # follow the repository, heal what drifts\n');
  say('To end it, remove the workloads as the demo does without --keep (a Refactor that says so), then the folder:\n');
  say(`  git -C ${repo} rm -q 'workloads/*.yaml' && cat > ${repo}/closing.yaml <<'END'`);
  say(
    'apiVersion: muster/v1\nkind: Refactor\nmetadata: {name: closing}\nspec: {removed: [{from: shop/web}, {from: shop/api}, {from: shop/heartbeat}]}\nEND',
  );
  say(`  git -C ${repo} add -A; git -C ${repo} commit -qm closing; muster apply --auto-approve && rm -r ${folder}`);
  return exitCodes.ok;
}

/** One way to break Muster: a copy of the source with these places changed, which the simulation has to find. */
export interface Mutant {
  readonly name: string;
  /** What an operator would see one day. */
  readonly harm: string;
  readonly edits: readonly Edit[];
}

/** `find` stands exactly once in the file. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const one = (name: string, harm: string, edit: Edit): Mutant => ({ name, harm, edits: [edit] });

export const mutants: readonly Mutant[] = [
  one('token not compared', 'a leader that was paused overwrites what its successor recorded', {
    file: 'src/reconcile/journal.ts',
    find: 'compares: [leadership.compare], operations',
    replace: 'compares: [], operations',
  }),
  one('lease taken without a compare', 'two processes lead at the same time', {
    file: 'src/store/leader.ts',
    find: "compares: [{ kind: 'createRevision', key: keys.leader, equals: 0 }],",
    replace: 'compares: [],',
  }),
  one('lease not looked at before an engine call', 'a leader that has been replaced goes on stopping and starting', {
    file: 'src/reconcile/call.ts',
    find: 'if (!leadership.isAlive()) throw new Halted(',
    replace: 'if (leadership.token.length === 0) throw new Halted(',
  }),
  {
    name: 'journal after the effect',
    harm: 'what a crash leaves behind is known to nobody',
    edits: [
      {
        file: 'src/reconcile/unit-run.ts',
        find: "await journal.append([{ kind: 'effectStarted', effect: effect.key }]);",
        replace: '',
      },
      {
        file: 'src/reconcile/unit-run.ts',
        find: "await journal.append([{ kind: 'effectDone', effect: effect.key }], operations);",
        replace:
          "await journal.append([{ kind: 'effectStarted', effect: effect.key }, { kind: 'effectDone', effect: effect.key }], operations);",
      },
    ],
  },
  {
    name: 'done and its record in two writes',
    harm: 'a crash between them leaves a record that says something else than the journal',
    edits: [
      {
        file: 'src/reconcile/unit-run.ts',
        find: "await journal.append([{ kind: 'effectDone', effect: effect.key }], operations);",
        replace:
          "await journal.append([{ kind: 'effectDone', effect: effect.key }]); if (operations.length > 0) await commit(context, operations);",
      },
      {
        file: 'src/reconcile/unit-run.ts',
        find: "import type { UnitJournal } from './journal.ts';",
        replace: "import { commit, type UnitJournal } from './journal.ts';",
      },
    ],
  },
  one('a lost reply is taken for a yes', 'what was never written is counted on', {
    file: 'src/reconcile/journal.ts',
    find: 'if (!(error instanceof StoreError)) throw error;',
    replace: "if (!(error instanceof StoreError)) throw error; if (error.code === 'unknownOutcome') return;",
  }),
  one('no probe on recovery', 'what was created right before a crash stays for ever', {
    file: 'src/reconcile/perform.ts',
    find: 'return objects.find((object) => object.allocation === at.allocation)?.objectId;',
    replace: 'return objects.length < 0 ? undefined : undefined;',
  }),
  one('undo in the order of doing', 'the old starts beside the new that it has to make room for', {
    file: 'src/reconcile/unwind.ts',
    find: 'for (const effect of [...(effects.bySteps.get(step.id) ?? [])].reverse()) {',
    replace: 'for (const effect of effects.bySteps.get(step.id) ?? []) {',
  }),
  one('what was stopped is not started again', 'a rollback that leaves nothing serving', {
    file: 'src/model/effects.ts',
    find: "case 'stop':\n      return 'start';",
    replace: "case 'stop':\n      return undefined;",
  }),
  one('hold dropped at the stop', 'its room and address are given away before it is known whether it comes back', {
    file: 'src/reconcile/perform.ts',
    find: "? change(context, effect.allocation, { state: 'stopping' })",
    replace: "? [{ kind: 'delete', key: keys.allocation(effect.allocation) }]",
  }),
  one('generation used again', 'two objects of one name', {
    file: 'src/reconcile/run-units.ts',
    find: 'const nextGeneration = Math.max(workload.nextGeneration, ...record.steps.map((step) => step.generation + 1));',
    replace: 'const { nextGeneration } = workload;',
  }),
  one('gate not waited for', 'a revision that never gets well is rolled out to the last instance', {
    file: 'src/reconcile/unit-run.ts',
    find: 'await awaitHealthy(context, effect, { deadlineMs: record.settings.healthyDeadlineMs, signal });',
    replace: '',
  }),
  one('budget not counted again', 'more is stopped although the world has taken enough', {
    file: 'src/reconcile/budget.ts',
    find: 'if (others.size + 1 <= maxUnavailable) {',
    replace: 'if (others.size >= 0) {',
  }),
  one('engine errors blame the revision', 'a good revision is never tried again because a disk was full', {
    file: 'src/reconcile/unwind.ts',
    find: "const isVerdict = failure?.kind === 'gate' || failure?.kind === 'cancelled';\n  if (!isVerdict ||",
    replace: 'if (failure === undefined ||',
  }),
  one('the journal of a paused run is dropped', 'nobody knows of what is half done', {
    file: 'src/reconcile/history.ts',
    find: 'const obsolete = isOpen ? [] :',
    replace: 'const obsolete = isOpen && entries.length === 0 ? [] :',
  }),
  one('the journal is written over on recovery', 'what the dead leader journaled is lost', {
    file: 'src/reconcile/journal.ts',
    find: 'unit.next = part.number + 1;',
    replace: 'unit.next = 0;',
  }),
  one('what recovery had to leave is not tried again', 'a workload is frozen until somebody restarts Muster', {
    file: 'src/reconcile/loop.ts',
    find: 'if (units.some(isLeftOpen)) term.recoverAt',
    replace: 'if (units.length < 0) term.recoverAt',
  }),
  one('what has not begun is planned again', 'instances are made twice while a run is under way', {
    file: 'src/reconcile/apply.ts',
    find: 'live.begin(record.unit, context.control, claimOf(run, record));',
    replace: 'claimOf(run, record);',
  }),
  {
    name: 'units in flight are charged as they are recorded',
    harm: 'others take the room that a rollout still needs, and a node is overfull',
    edits: [
      { file: 'src/plan/in-flight.ts', find: 'if (units.every(({ waves })', replace: 'if (units.some(({ waves })' },
      {
        file: 'src/plan/in-flight.ts',
        find: 'waves === undefined)) return nothingInFlight',
        replace: 'waves !== undefined)) return nothingInFlight',
      },
      {
        file: 'src/plan/verify/capacity.ts',
        find: 'world.inputs.recorded.inFlight.length > 0',
        replace: 'world.inputs.recorded.inFlight.length < 0',
      },
    ],
  },
  one('back-off by a clock that is set', 'healing waits for as long as the clock was set back', {
    file: 'src/reconcile/loop.ts',
    find: 'key: keyOf(unit), now: clock.monotonic() }',
    replace: 'key: keyOf(unit), now: clock.now() }',
  }),
  one('watch from the revision of the key', 'a store whose history is compacted is asked without a pause', {
    file: 'src/store/leader.ts',
    find: 'fromRevision: revision, signal',
    replace: 'fromRevision: current.modRevision, signal',
  }),
  one('the undo of what is gone is refused', 'a unit stays stuck, and no retry helps', {
    file: 'src/reconcile/perform.ts',
    find: 'if (!isGone || (undo.kind',
    replace: 'if (isGone || !isGone || (undo.kind',
  }),
  one('a write counts before it is durable', 'what a crash swallowed was acted on', {
    file: 'src/reconcile/writer.ts',
    find: `    await commit(group.flatMap(({ operations }) => operations));
    for (const { resolve } of group) resolve();`,
    replace: `    for (const { resolve } of group) resolve();
    await commit(group.flatMap(({ operations }) => operations));`,
  }),
  one('of writes that go together the first is written', 'instances that nobody knows of', {
    file: 'src/reconcile/writer.ts',
    find: 'await commit(group.flatMap(({ operations }) => operations));',
    replace: 'await commit(group[0]?.operations ?? []);',
  }),
  one('calls of a dead leader are not waited for', 'its late call makes what has no room any more', {
    file: 'src/reconcile/recover.ts',
    find: 'await recordLateCalls(dependencies, units);',
    replace: 'await recordLateCalls(dependencies, []);',
  }),
  one(
    'a late call counts as over once a successor has done the same',
    'it comes a second time, after its room was given away',
    {
      file: 'src/reconcile/late-calls.ts',
      find: "if (entry.kind === 'effectDone') open.delete(asked);",
      replace:
        "if (entry.kind === 'effectDone') for (const name of open) name.endsWith(entry.effect) && open.delete(name);",
    },
  ),
  one('what a newer commit took over is cleaned up all the same', 'instances are removed that nothing stands in for', {
    file: 'src/reconcile/executor.ts',
    find: '({ id }) => !run.journal.isLeft(id) && (!isCutShort || hasBegun(run, id)),',
    replace: '({ id }) => !run.journal.isLeft(id) && (isCutShort || !isCutShort),',
  }),
  one(
    'a check that was not carried out is a failed one',
    'a good revision is never tried again because an engine was away',
    {
      file: 'src/reconcile/health.ts',
      find: 'if (error instanceof EngineError && error.retryable)',
      replace: 'if (error instanceof EngineError && error.retryable && timeoutMs < 0)',
    },
  ),
  one('nobody waits for the others of a transaction', 'the new API runs with the old worker', {
    file: 'src/reconcile/executor.ts',
    find: 'if (run.member !== undefined) return;',
    replace: 'if (run.member !== undefined && run.record.steps.length === 0) return;',
  }),
  one('a transaction is committed one by one', 'a crash in between leaves the new API with the old worker', {
    file: 'src/reconcile/group.ts',
    find: 'await context.writer.write([...drafts.flatMap(({ operations }) => operations), ...workloads]);',
    replace:
      'for (const draft of drafts) { await context.writer.write(draft.operations); await context.clock.sleep(1); } await context.writer.write(workloads);',
  }),
];

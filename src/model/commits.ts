import type { PlanBasis } from './plan.ts';

/** `platform 3f2a9c1, payments (working tree)` */
export const commitsText = (commits: PlanBasis['commits']): string =>
  Object.entries(commits)
    .map(([source, commit]) => `${source} ${commit === 'worktree' ? '(working tree)' : commit.slice(0, 7)}`)
    .join(', ');

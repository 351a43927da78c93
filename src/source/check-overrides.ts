import type { SourceDocument } from './document.ts';
import type { Problem } from './problem.ts';
import type { NodeSet } from './schema-types.generated.ts';

/** Overrides in git do not end by themselves: a warning for each whose day has passed. `today` is `YYYY-MM-DD`. */
export function checkOverrides(documents: readonly SourceDocument[], today: string): readonly Problem[] {
  return documents
    .filter(({ kind }) => kind === 'NodeSet')
    .flatMap((document) => {
      const { overrides = [] } = (document.value as unknown as NodeSet).spec;
      return overrides.flatMap(({ names, until, reason }, index): readonly Problem[] => {
        if (until === undefined || until >= today) return [];
        const message = `the override of ${names}${reason === undefined ? '' : ` (${reason})`} was meant to end on ${until}`;
        const pointer = `/spec/overrides/${index}/until`;
        return [
          {
            document,
            severity: 'warning',
            code: 'MUS1321',
            pointer,
            message,
            found: until,
            hint: 'remove the override, or move the day',
          },
        ];
      });
    });
}

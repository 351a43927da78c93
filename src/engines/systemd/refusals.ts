import { unsupportedBy } from '../../model/engine-features.ts';
import type { CallSite } from '../deadline.ts';
import { engineFeatures } from '../features.ts';
import { failure } from './node.ts';
import type { UnitRecord } from './record.ts';
import { commandOf, optionsOf, unitText } from './unit-file.ts';

/** Nothing can be given a NUL, and systemd takes noncharacters (U+FFFE) for broken UTF-8. */
const unreadable = /[\0\p{Noncharacter_Code_Point}\p{Surrogate}]/u;
/** systemd refuses longer lines in a file. */
const maxLineBytes = 1024 * 1024 - 1;

/** What no unit can be made from. Documents are checked as well; a record may come from elsewhere. */
export function refuseUnsupported(record: UnitRecord, site: CallSite): void {
  const { allocation, revision } = record;
  const refuse = (message: string, hint: string): never => {
    throw failure(site, { code: 'unsupported', message: `${allocation}: ${message}`, hint });
  };
  if (revision.image !== undefined) refuse('a systemd unit has no image', 'remove spec.image, or use engine: docker');
  const [beyond] = unsupportedBy(revision, engineFeatures.systemd);
  if (beyond !== undefined) refuse(`the systemd engine cannot ${beyond.what}`, 'use engine: docker, or leave it out');
  const [program = ''] = commandOf(record);
  if (program === '') refuse('it has no command', 'set spec.command: a unit has no image that could bring one');
  if (!/^[A-Za-z0-9_/]/.test(program))
    refuse(`${JSON.stringify(program)} is not a program`, 'use an absolute path, or a name that is in PATH');
  if (
    unreadable.test(JSON.stringify([commandOf(record), revision.env, optionsOf(revision)]).replaceAll('\\u0000', '\0'))
  )
    refuse(
      'its command or environment has a character that systemd does not read',
      'leave out NUL and what is no character',
    );
  if (
    unitText(record)
      .split('\n')
      .some((line) => Buffer.byteLength(line) > maxLineBytes)
  )
    refuse('its command is longer than systemd reads', 'put what is long into a file');
}

/**
 * Points in time as text and back, without a clock: `2026-11-21T22:40:03.250Z` ↔ Unix ms. Proleptic Gregorian calendar
 * in UTC; the day arithmetic is Howard Hinnant's (chrono-compatible low-level date algorithms).
 */
export function formatInstant(unixMs: number): string {
  const days = Math.floor(unixMs / msPerDay);
  const msOfDay = unixMs - days * msPerDay;
  const { year, month, day } = civilFromDays(days);
  const time = [Math.floor(msOfDay / 3_600_000), Math.floor(msOfDay / 60_000) % 60, Math.floor(msOfDay / 1000) % 60];
  const clock = time.map((part) => pad(part, 2)).join(':');
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${clock}.${pad(Math.floor(msOfDay) % 1000, 3)}Z`;
}

/** Unix ms of an RFC 3339 date and time, with any offset; undefined when the text is not one. */
export function parseInstant(text: string): number | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const days = daysFromCivil({ year, month, day });
  const real = civilFromDays(days);
  if (real.month !== month || real.day !== day || hour > 23 || minute > 59 || second > 60) return undefined;
  const ms = Number((match[7] ?? '0').padEnd(3, '0').slice(0, 3));
  const offsetMinutes = (match[8] === '-' ? -1 : 1) * (Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0));
  return days * msPerDay + hour * 3_600_000 + (minute - offsetMinutes) * 60_000 + second * 1000 + ms;
}

const msPerDay = 86_400_000;
const daysPerEra = 146_097;

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

function civilFromDays(daysSinceEpoch: number): Civil {
  const shifted = daysSinceEpoch + 719_468;
  const era = Math.floor(shifted / daysPerEra);
  const dayOfEra = shifted - era * daysPerEra;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function daysFromCivil({ year, month, day }: Civil): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * daysPerEra + dayOfEra - 719_468;
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');

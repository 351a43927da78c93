/** The message of a GitHub workflow command. */
export const githubData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** A property of a GitHub workflow command. */
export const githubProperty = (text: string): string => githubData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** XML text or attribute value; characters that XML 1.0 cannot hold even escaped become `·`. */
export function xmlText(text: string): string {
  const legal = text.replaceAll(/[^\P{Cc}\t\n\r]|\p{Cs}|\p{Noncharacter_Code_Point}/gu, '·');
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Text from YAML must not become markup: a name or message is shown on one line, never rendered. */
export const markdownText = (text: string): string =>
  text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/[&<>]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char] ?? char)
    .replace(/[`*_[\]\\@]/g, '\\$&');

export const markdownCell = (text: string): string => markdownText(text).replaceAll('|', '\\|');

/** The same text as one string. */
export type OneText = <Text extends string>(text: Text) => Text;

/**
 * Texts that occur again and again, each kept once, `known` to begin with. A document says the node, the workload and the
 * revision of each of its hundreds of thousands of rows anew; as one string they take less room, and comparing two, or
 * finding one in a map, mostly reads neither.
 */
export function openTexts(known: Iterable<string> = []): OneText {
  const texts = new Map<string, string>();
  for (const text of known) texts.set(text, text);
  return <Text extends string>(text: Text): Text => {
    const first = texts.get(text);
    if (first === undefined) texts.set(text, text);
    return (first ?? text) as Text;
  };
}

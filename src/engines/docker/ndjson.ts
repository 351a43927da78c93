const maxLineBytes = 1024 * 1024;

/** NDJSON: a line may come in several chunks. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncIterable<string> {
  let pending = '';
  for await (const chunk of chunks) {
    pending += chunk.toString('utf8');
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    if (pending.length > maxLineBytes) pending = '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}

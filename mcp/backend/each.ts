/**
 * What `work` gives for each item, in the items' order, with at most `limit` at work at once
 * (MCP-24). The first error ends it: work that may fail for one item says so in its result.
 */
export async function forEachAtOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const pending = items.entries();
  const worker = async () => {
    for (const [index, item] of pending) results.set(index, await work(item));
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}

/** The same messages, with an error in their midst replaced by what `map` makes of it. */
export async function* mapIterableErrors<T>(
  messages: AsyncIterable<T>,
  map: (error: unknown) => Error,
): AsyncGenerator<T, void, undefined> {
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
  }
}

import { type agentport, config } from "../../api/mod.ts";

const { EMERGENCY_START, EMERGENCY_END } = config.EntryType;

/**
 * The oldest of the entries that wait, as it is told to the journal. The start of an emergency says
 * whether its end waits as well: what is over takes nobody's place any more (EMM-8).
 */
export function asReplayed(
  pending: readonly agentport.Append[],
): agentport.Append | undefined {
  const [first, ...later] = pending;
  if (first?.entry?.entryType !== EMERGENCY_START) return first;
  const next = later.find(({ entry }) =>
    entry?.entryType === EMERGENCY_START || entry?.entryType === EMERGENCY_END
  );
  return { ...first, endEmergency: next?.entry?.entryType === EMERGENCY_END };
}

import type { MountLine } from "../mounts/mod.ts";
import type { ObservedEvent } from "./event.ts";

/** What changed between two tables, as events without time and source (OBS-3). */
export function diffMounts(
  before: readonly MountLine[],
  after: readonly MountLine[],
): Pick<ObservedEvent, "category" | "path" | "detail">[] {
  const former = new Map(before.map((line) => [line.id, line]));
  const events: Pick<ObservedEvent, "category" | "path" | "detail">[] = [];
  const tell = (path: string, detail: string) => events.push({ category: "mounts", path, detail });
  for (const line of after) {
    const was = former.get(line.id);
    former.delete(line.id);
    if (was === undefined) tell(line.mountPoint, `mounted ${describe(line)}`);
    else if (was.mountPoint !== line.mountPoint) {
      tell(was.mountPoint, `moved to ${line.mountPoint}`);
      tell(line.mountPoint, `moved from ${was.mountPoint}`);
    } else if (describe(was) !== describe(line)) {
      tell(line.mountPoint, `remounted ${describe(line)}, was ${describe(was)}`);
    }
  }
  for (const line of former.values()) tell(line.mountPoint, `unmounted ${describe(line)}`);
  return events;
}

function describe({ fsType, source, options, superOptions }: MountLine): string {
  return `${fsType} from ${source} (${options}; ${superOptions})`;
}

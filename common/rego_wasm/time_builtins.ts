/**
 * Rego's functions of time that a compiled policy leaves to whoever runs it. Nanoseconds are numbers
 * of JavaScript here: right to a quarter of a microsecond.
 */

const NS_PER_MS = 1_000_000;
const WEEKDAYS = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];

/** A moment as Rego takes it: nanoseconds, or those with the name of a time zone. */
type Moment = number | readonly [number, string];

/** The functions by their names in Rego. */
export const TIME_BUILTINS = {
  "time.now_ns": () => Date.now() * NS_PER_MS,
  "time.parse_rfc3339_ns": (text: string) => {
    const ms = Date.parse(text);
    return Number.isNaN(ms) ? undefined : ms * NS_PER_MS;
  },
  "time.date": (moment: Moment) => {
    const local = inZone(moment);
    return [local.getUTCFullYear(), local.getUTCMonth() + 1, local.getUTCDate()];
  },
  "time.clock": (moment: Moment) => {
    const local = inZone(moment);
    return [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()];
  },
  "time.weekday": (moment: Moment) => WEEKDAYS[inZone(moment).getUTCDay()],
} as const;

/** A date whose UTC fields are what clocks in the zone of `moment` show. */
function inZone(moment: Moment): Date {
  const [ns, zone] = typeof moment === "number" ? [moment, "UTC"] : moment;
  const ms = Math.floor(ns / NS_PER_MS);
  if (zone === "" || zone === "UTC") return new Date(ms);
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(ms);
  const of = (type: Intl.DateTimeFormatPartTypes) =>
    Number(parts.find((part) => part.type === type)?.value);
  return new Date(
    Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")),
  );
}

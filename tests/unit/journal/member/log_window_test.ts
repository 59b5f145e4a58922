import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY_MEMBERSHIP, type Entry } from "../../../../journal/raft/mod.ts";
import { LogWindow } from "../../../../journal/member/mod.ts";

/** A disk that keeps every entry ever written, by its place. */
class Disk {
  readonly entries: Entry[] = [];
  reads = 0;

  write(entries: readonly Entry[]): number[] {
    return entries.map((entry) => this.entries.push(entry) - 1);
  }

  read = (place: number): Entry => {
    this.reads++;
    const entry = this.entries[place];
    if (entry === undefined) throw new Error(`nothing at ${place}`);
    return entry;
  };
}

Deno.test("the window shows exactly what was written last at each index, cached or not", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("write" as const),
      back: fc.nat(5),
      count: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constant("compact" as const), ahead: fc.nat(12) }),
    fc.record({ kind: fc.constant("restart" as const), ahead: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 60, 1 << 20),
      (steps, cacheMaxBytes) => {
        const disk = new Disk();
        const window = windowOver(disk, cacheMaxBytes);
        let start = { index: 0, term: 0 };
        let model: Entry[] = [];
        let term = 0;
        for (const each of steps) {
          term++;
          if (each.kind === "write") {
            const keep = Math.max(0, model.length - each.back);
            const entries = Array.from(
              { length: each.count },
              (_, at) => entry(start.index + keep + at + 1, term),
            );
            model = [...model.slice(0, keep), ...entries];
            window.written(entries, disk.write(entries));
          } else if (each.kind === "compact") {
            const index = Math.min(start.index + each.ahead, start.index + model.length);
            const moved = window.compactTo(index);
            const last = model[index - start.index - 1];
            if (moved === undefined) assert.equal(index, start.index);
            else {
              assert.deepEqual(moved, { index, term: last?.term });
              model = model.slice(index - start.index);
              start = moved;
            }
          } else {
            start = { index: start.index + model.length + each.ahead, term };
            model = [];
            window.restart(start);
          }
          check(window, start, model);
        }
      },
    ),
  );
});

Deno.test("young entries are served from memory", () => {
  const disk = new Disk();
  const window = windowOver(disk, 1 << 20);
  const entries = [entry(1, 1), entry(2, 1)];
  window.written(entries, disk.write(entries));
  assert.deepEqual(window.entries(1, 3, Infinity), entries);
  assert.equal(disk.reads, 0);
});

Deno.test("entries that do not follow the log are refused", () => {
  const window = windowOver(new Disk(), 1 << 20);
  assert.throws(() => window.written([entry(2, 1)], [0]), RangeError);
});

function check(
  window: LogWindow<number>,
  start: { index: number; term: number },
  model: Entry[],
): void {
  assert.equal(window.firstIndex(), start.index + 1);
  assert.equal(window.lastIndex(), start.index + model.length);
  assert.equal(window.term(start.index), start.term);
  assert.equal(window.term(start.index - 1), undefined);
  assert.equal(window.term(window.lastIndex() + 1), undefined);
  assert.deepEqual(window.entries(start.index + 1, window.lastIndex() + 1, Infinity), model);
  assert.equal(window.entries(start.index, window.lastIndex() + 1, Infinity), undefined);
  for (const { index, term } of model) assert.equal(window.term(index), term);
  if (model.length === 0) return;
  assert.deepEqual(window.entries(start.index + 1, window.lastIndex() + 1, 1), model.slice(0, 1));
}

function entry(index: number, term: number): Entry {
  return { kind: "normal", index, term, data: new Uint8Array([index, term]) };
}

function windowOver(disk: Disk, cacheMaxBytes: number): LogWindow<number> {
  return new LogWindow({
    recovered: {
      hardState: { term: 0, vote: 0, commit: 0 },
      start: { index: 0, term: 0 },
      entries: [],
    },
    membership: EMPTY_MEMBERSHIP,
    read: disk.read,
    snapshot: () => undefined,
    cacheMaxBytes,
  });
}

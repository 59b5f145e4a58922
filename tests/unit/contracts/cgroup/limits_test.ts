import assert from "node:assert/strict";
import {
  assertLimits,
  CgroupError,
  cgroupMetricsFromJson,
  cgroupMetricsToJson,
  decodeJson,
  DEFAULT_LIMITS,
  DEFAULT_METRICS,
  encodeJson,
  ioMaxLine,
  isLimitedDisk,
  limitFiles,
  parseCounterFile,
  parseFlatKeyed,
  type ResourceLimits,
  resourceLimitsFromJson,
  resourceLimitsToJson,
} from "../../../../contracts/mod.ts";

Deno.test("CG-10: by default no limit is set, and an OOM kill takes the whole scope", () => {
  assert.deepEqual(DEFAULT_LIMITS, {
    memoryMaxBytes: null,
    memoryHighBytes: null,
    cpuWeight: null,
    ioMaxBytesPerSecond: null,
    pidsMax: null,
    oomGroup: true,
  });
});

Deno.test("CG-10: by default every metric is zero or absent", () => {
  assert.deepEqual(DEFAULT_METRICS, {
    memoryCurrentBytes: 0n,
    memoryMaxBytes: null,
    memoryPeakBytes: null,
    cpuUsageUsec: 0n,
    nrProcesses: 0,
    oomKills: 0n,
  });
});

Deno.test("CG-10, ACC-N3: limits keep their values through JSON, absent ones stay absent", () => {
  const limits: ResourceLimits = {
    ...DEFAULT_LIMITS,
    memoryMaxBytes: 512n * 1024n * 1024n,
    cpuWeight: 200,
  };
  const golden = '{"memory_max":536870912,"cpu_weight":200,"io_max":null,"memory_high":null,' +
    '"pids_max":null,"oom_group":true}';
  assert.equal(encodeJson(resourceLimitsToJson(limits)), golden);
  assert.deepEqual(resourceLimitsFromJson(decodeJson(golden)), limits);
});

Deno.test("NC-3: limits read from an empty object are the defaults, unknown keys are ignored", () => {
  assert.deepEqual(resourceLimitsFromJson({ surprise: 1 }), DEFAULT_LIMITS);
});

Deno.test("NC-4, ACC-N3: metrics above 2^53 keep every digit through JSON", () => {
  const metrics = {
    memoryCurrentBytes: 9007199254740993n,
    memoryMaxBytes: 18446744073709551615n,
    memoryPeakBytes: null,
    cpuUsageUsec: 1n,
    nrProcesses: 7,
    oomKills: 0n,
  };
  const golden = '{"memory_current":9007199254740993,"memory_max":18446744073709551615,' +
    '"cpu_usage_usec":1,"nr_processes":7,"oom_kills":0,"memory_peak":null}';
  assert.equal(encodeJson(cgroupMetricsToJson(metrics)), golden);
  assert.deepEqual(cgroupMetricsFromJson(decodeJson(golden)), metrics);
});

const INVALID: readonly [change: Partial<ResourceLimits>, told: string][] = [
  [{ cpuWeight: 0 }, "cpu_weight=0"],
  [{ cpuWeight: 10_001 }, "cpu_weight=10001"],
  [{ cpuWeight: 1.5 }, "cpu_weight=1.5"],
  [{ memoryMaxBytes: 1048575n }, "memory_max=1048575"],
  [{ memoryMaxBytes: 2n ** 64n }, "memory_max=18446744073709551616"],
  [{ memoryHighBytes: 0n }, "memory_high=0"],
  [{ pidsMax: 0 }, "pids_max=0"],
  [{ ioMaxBytesPerSecond: 0n }, "io_max=0"],
];

for (const [change, told] of INVALID) {
  Deno.test(`demand 4, CG-12: ${told} is refused`, () => {
    assert.throws(() => assertLimits({ ...DEFAULT_LIMITS, ...change }), (error) => {
      assert.ok(error instanceof CgroupError);
      assert.equal(error.kind, "CreationFailed");
      assert.equal(error.message, `cgroup creation failed: invalid limit ${told}`);
      return true;
    });
  });
}

Deno.test("CG-12: the smallest and largest permitted limits pass", () => {
  assertLimits({ ...DEFAULT_LIMITS, cpuWeight: 1, memoryMaxBytes: 1048576n, pidsMax: 1 });
  assertLimits({ ...DEFAULT_LIMITS, cpuWeight: 10_000, memoryMaxBytes: 2n ** 64n - 1n });
});

Deno.test("CG-22: absent limits are written as the kernel's defaults, so a reused scope is reset", () => {
  assert.deepEqual(limitFiles(DEFAULT_LIMITS).map(({ file, value }) => `${file} ${value}`), [
    "memory.max max",
    "memory.high max",
    "memory.oom.group 1",
    "cpu.weight 100",
    "pids.max max",
  ]);
});

Deno.test("CG-27: io.max is one line per whole disk; loop, ram and zram devices are left out", () => {
  assert.equal(ioMaxLine("259:0", 1000n), "259:0 rbps=1000 wbps=1000");
  assert.equal(ioMaxLine("259:0", null), "259:0 rbps=max wbps=max");
  const disks = ["nvme0n1", "sda", "loop0", "ram1", "zram0", "rambo"];
  assert.deepEqual(disks.filter(isLimitedDisk), ["nvme0n1", "sda", "rambo"]);
});

Deno.test("section 3.2: control files read as counters, max as absent", () => {
  assert.equal(parseCounterFile("4096\n"), 4096n);
  assert.equal(parseCounterFile("max\n"), null);
  assert.equal(parseCounterFile(null), null);
  const stat = "usage_usec 123\nuser_usec 100\n";
  assert.equal(parseFlatKeyed(stat, "usage_usec"), 123n);
  assert.equal(parseFlatKeyed(stat, "usage"), null);
});

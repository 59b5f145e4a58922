import assert from "node:assert/strict";
import * as z from "zod";
import { METRICS } from "../../support/journal/mod.ts";
import { ENTRY_TYPES } from "../../../common/model/entry.ts";
import { snakeCase } from "../../../journal/http/state_gauges.ts";

const deploy = new URL("../../../deploy/", import.meta.url);
const rules = Deno.readTextFileSync(new URL("alerting/rules.yml", deploy));
const dashboards = new URL("grafana/dashboards/", deploy);

const DashboardSchema = z.object({
  uid: z.string().min(1),
  title: z.string().min(1),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  panels: z.array(z.object({
    title: z.string().min(1),
    targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).min(1),
  })).min(1),
});

const parsed = [...Deno.readDirSync(dashboards)].map(({ name }) => ({
  name,
  ...DashboardSchema.parse(JSON.parse(Deno.readTextFileSync(new URL(name, dashboards)))),
}));

/** What Prometheus itself adds to a series. */
const TARGET_LABELS = ["instance", "job"];

/** Every expression with where it stands. */
const expressions: readonly (readonly [where: string, expr: string])[] = [
  ...[...rules.matchAll(/- alert: (\w+)\n\s+expr: (.+)/g)].map(([, name = "", expr = ""]) =>
    [name, expr] as const
  ),
  ...parsed.flatMap(({ name, panels, annotations }) => [
    ...annotations.list.map(({ expr }) => [name, expr] as const),
    ...panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => [`${name}: ${title}`, expr] as const)
    ),
  ]),
];

/** The metric that a series of this name belongs to. */
function metricOf(series: string): string | undefined {
  if (METRICS[series] !== undefined) return series;
  const base = series.replace(/_(bucket|sum|count)$/, "");
  return METRICS[base]?.[0] === "histogram" ? base : undefined;
}

/** Series of an expression with the labels it selects by, and the labels it groups by. */
function readExpression(expr: string) {
  const bare = expr.replaceAll(/"[^"]*"/g, '""');
  const series = [...bare.matchAll(/\b(pact_\w+)(?:\{([^}]*)\})?/g)].map((
    [, name = "", matchers = ""],
  ) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, it = ""]) => it),
  }));
  const groups = [...bare.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = ""]) =>
    names.split(",").map((name) => name.trim())
  );
  return { series, groups };
}

for (const [where, expr] of expressions) {
  Deno.test(`TEL-3, ACC-D6: ${where} asks for what the journal exports: ${expr}`, () => {
    const { series, groups } = readExpression(expr);
    assert.ok(series.length > 0 || expr.startsWith("up{"), "an expression of pact's");
    for (const { name, labels } of series) {
      const metric = metricOf(name);
      assert.ok(metric !== undefined, `nobody exports ${name}`);
      const [, ...exported] = METRICS[metric] ?? [];
      for (const label of [...labels, ...groups]) {
        assert.ok([...exported, ...TARGET_LABELS].includes(label), `${name} has no label ${label}`);
      }
    }
    for (const [open = "", close = ""] of ["()", "{}", "[]"].map((pair) => [...pair])) {
      assert.equal(expr.split(open).length, expr.split(close).length, `unbalanced ${open}`);
    }
  });
}

Deno.test("TEL-3: types of entries that rules and dashboards select by are entries' types", () => {
  const known = new Set(ENTRY_TYPES.map(snakeCase));
  let selected = 0;
  for (const [where, expr] of expressions) {
    for (
      const [, types = ""] of expr.matchAll(/pact_journal_events_total\{[^}]*type=~?"([^"]+)"/g)
    ) {
      for (const type of types.split("|")) {
        selected++;
        assert.ok(known.has(type), `${where}: ${type}`);
      }
    }
  }
  assert.ok(selected > 10);
});

Deno.test("ALR-1: there is a rule for every alert whose numbers this version has, each with a severity and what to do", () => {
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  assert.deepEqual(names.toSorted(), [
    "PactAgentDisconnected",
    "PactApprovalExpiring",
    "PactBootConfigSlow",
    "PactCertExpiring",
    "PactEmergencyEntered",
    "PactExcessiveDrift",
    "PactHardwareMismatch",
    "PactHighDriftRate",
    "PactJournalDown",
    "PactJournalQuorumLoss",
    "PactRaftElectionTimeout",
    "PactRaftReplicationLag",
    "PactServiceFailures",
    "PactStaleEmergency",
  ]);
  for (const rule of rules.split(/- alert: /).slice(1)) {
    assert.match(rule, /severity: (critical|warning)\n/);
    assert.match(rule, /summary: ".+"\n/);
    assert.match(rule, /description: ".+"/);
  }
});

Deno.test("DSH-1: the dashboards are there, each once, and take the data source that is chosen", () => {
  assert.deepEqual(parsed.map(({ name }) => name).toSorted(), [
    "approvals.json",
    "config-changes.json",
    "emergency.json",
    "journal-overview.json",
    "node-status.json",
    "quorum-health.json",
    "vcluster.json",
  ]);
  assert.equal(new Set(parsed.map(({ uid }) => uid)).size, parsed.length);
  for (const { name } of parsed) {
    const text = Deno.readTextFileSync(new URL(name, dashboards));
    const sources = [...text.matchAll(/"uid": "(\$?[^"]*datasource[^"]*)"/g)].map(([, uid]) => uid);
    assert.deepEqual([...new Set(sources)], ["${datasource}"], name);
  }
});

Deno.test("TEL-3: every metric of the journal is on some dashboard or in some rule", () => {
  const used = new Set(
    expressions.flatMap(([, expr]) =>
      readExpression(expr).series.map(({ name }) => metricOf(name))
    ),
  );
  assert.deepEqual(Object.keys(METRICS).filter((name) => !used.has(name)), []);
});

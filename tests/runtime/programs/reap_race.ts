/**
 * Starts children that exit with 7 while waitid(P_ALL) is pending in the library given, and prints
 * how many of their statuses Deno.Command lost and kept.
 */

const { symbols } = Deno.dlopen(Deno.args[0] ?? "", {
  reap_any: { parameters: [], result: "i32", nonblocking: true },
});
const outcome = { lost: 0, kept: 0 };
for (let child = 0; child < 20; child++) {
  const command = new Deno.Command("/bin/sh", { args: ["-c", "sleep 0.02; exit 7"] }).spawn();
  const reaped = symbols.reap_any();
  try {
    const { code } = await command.status;
    if (code === 7) outcome.kept++;
    else outcome.lost++;
  } catch {
    outcome.lost++;
  }
  await reaped;
}
console.log(JSON.stringify(outcome));
Deno.exit(0);

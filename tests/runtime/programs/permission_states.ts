/** Prints the state of reading the two paths given and of the variable PROBE. */

const [first, second] = Deno.args;
const descriptors: Deno.PermissionDescriptor[] = [
  { name: "read", path: first ?? "" },
  { name: "read", path: second ?? "" },
  { name: "env", variable: "PROBE" },
];
console.log(descriptors.map((each) => Deno.permissions.querySync(each).state).join(" "));

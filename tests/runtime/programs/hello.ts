/** Says hello. */

console.log("hello");

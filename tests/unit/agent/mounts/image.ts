import { gunzipSync } from "node:zlib";

/** A squashfs with one file, `hello`, that says hello. */
export const IMAGE = gunzipSync(Uint8Array.from(
  atob(
    "H4sIAAAAAAACA8soLixmYoABJgZGIMnIIMhwAEiyANkKUJkHUPoGlP4PBWlQfjuU3gSlT0HpjNScnHwueYaKW8lJEYdOMLAWsI" +
      "lsaDx671DrzAkZkgppbEkMbh8YD4qDFCQ0MLhpnD1y4NCEibMmT+ZnYKtnkhFoSICaxMYAdhzDAiifD6qFVYOXgVGAQXEXVJyl" +
      "AUReYhgFo2AUjIJRMApGwSgYBaNgFIyCUTAKRgEMAACJKo5AABAAAA==",
  ),
  (character) => character.charCodeAt(0),
));

/**
 * The one place that loads the X.509 library. Its decorators need the metadata polyfill, which
 * must be evaluated first; every file of this folder takes the library from here.
 */

import "reflect-metadata";
export * from "@peculiar/x509";

/** The version every executable of this build reports. */
export const VERSION = "0.1.0";

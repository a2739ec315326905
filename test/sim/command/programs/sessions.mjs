/** A module of both programs beside it: each host and each boot must have its own. */

export const sessions = new Set();

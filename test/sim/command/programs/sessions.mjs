/** A module that both programs beside it import. Each host and each boot must have its own instance. */

export const sessions = new Set();

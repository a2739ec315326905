/** Imports in its turn, and waits for nothing either. */

export const listen = (port) => void import('./listen.js').then((module) => module.listen(port));

/** Topic names and topic filters: what they must be, and which filter matches which name (section 4.7). */

/** Returns the rule that a topic name breaks; undefined if the name is valid. */
export function topicNameProblem(topic: string): string | undefined {
  if (topic === '') return 'a topic name has at least one character [MQTT-4.7.3-1]';
  if (/[+#]/.test(topic)) return `the topic name '${topic}' has a wildcard [MQTT-3.3.2-2]`;
  return undefined;
}

/** Returns the rule that a topic filter breaks; undefined if the filter is valid. */
export function topicFilterProblem(filter: string): string | undefined {
  if (filter === '') return 'a topic filter has at least one character [MQTT-4.7.3-1]';
  const levels = filter.split('/');
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i < levels.length - 1)) {
      return `in the topic filter '${filter}' a # is not the whole last level [MQTT-4.7.1-2]`;
    }
    if (level.includes('+') && level !== '+') {
      return `in the topic filter '${filter}' a + is not a whole level [MQTT-4.7.1-3]`;
    }
  }
  return undefined;
}

/** Returns whether the subscription `filter` receives messages for `topic`. Both are valid. */
export function topicMatches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1] a filter that begins with a wildcard does not match a topic that begins with $.
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const levels = filter.split('/');
  const names = topic.split('/');
  for (const [i, level] of levels.entries()) {
    // Section 4.7.1.2: # stands for the level above as well: `sport/#` matches `sport`.
    if (level === '#') return true;
    if (i >= names.length || (level !== '+' && level !== names[i])) return false;
  }
  return levels.length === names.length;
}

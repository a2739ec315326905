/** This kernel against the real FreeRTOS kernel: both do the same with random programs, line for line. */

import { describe, expect, test } from 'vitest';
import { interpret } from './interpret.ts';
import { randomPrograms, rules } from './program.ts';

describe('the rules', () => {
  test.each(rules())('$name', ({ program, log }) => {
    expect(interpret(program)).toEqual(log);
  });
});

test.each(randomPrograms())('a random program ($name)', ({ program, log }) => {
  expect(interpret(program)).toEqual(log);
});

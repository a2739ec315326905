/** What the real FreeRTOS kernel did with random programs, this kernel does line for line. */

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

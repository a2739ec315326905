/** Options: how the words of a command are read, and what `--help` shows of them. */

import { expect, it } from 'vitest';
import { COMMANDS, OVERVIEW } from '../../../sim/command/commands.ts';
import { helpOfOptions, readOptions } from '../../../sim/command/options.ts';

const OPTIONS = {
  devices: { type: 'string', value: 'N', help: 'how many' },
  answers: { type: 'boolean', default: true, help: 'nobody answers' },
  fault: {
    type: 'string',
    multiple: true,
    value: '"cable-pull on dev-1 at 10s"',
    opensGroup: true,
    help: 'a fault, in the language of plans, which is told in a sentence too long to stand in one line beside its option',
  },
} as const;

it('reads values, negations, repetitions and operands, even operands that look like options', () => {
  const args = ['a.txt', '--devices', '3', '--no-answers', '--fault=x', '--fault', 'y', '--', '--devices', '-5'];
  const { values, operands } = readOptions('do', args, OPTIONS, 'files');
  expect(values).toEqual({ devices: '3', answers: false, fault: ['x', 'y'] });
  expect(operands).toEqual(['a.txt', '--devices', '-5']);
});

it.each([
  [['--devices'], undefined, '--devices needs a value (see cablepull do --help)'],
  [['--devices', '--no-answers'], undefined, '--devices needs a value (see cablepull do --help)'],
  [['--answers=3'], undefined, "--answers takes no value, not '3'"],
  [['--no-devices'], undefined, "unknown option '--no-devices' (see cablepull do --help)"],
  [['-d'], undefined, "unknown option '-d' (see cablepull do --help)"],
  [['a.txt'], undefined, "unexpected argument 'a.txt' (see cablepull do --help)"],
  [['--devices=3'], 'a file', 'do needs a file (see cablepull do --help)'],
])('refuses %j, because it needs %s', (args, needs, sentence) => {
  expect(() => readOptions('do', args, OPTIONS, needs)).toThrow(sentence);
});

it('shows each option with its value and its help, in lines that fit', () => {
  expect(helpOfOptions(OPTIONS)).toEqual([
    '  --devices N                  how many',
    '  --no-answers                 nobody answers',
    '',
    '  --fault "cable-pull on dev-1 at 10s"',
    '                               a fault, in the language of plans, which is told in a sentence too',
    '                               long to stand in one line beside its option',
  ]);
});

it('has no two commands of one name, and no line of help too long for a screen of 100 columns', async () => {
  const names = COMMANDS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
  for (const { load } of COMMANDS) {
    const { help } = await load();
    for (const line of `${help}\n${OVERVIEW}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  }
});

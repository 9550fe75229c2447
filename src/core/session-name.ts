const moods = [
  'able', 'amber', 'bold', 'brave', 'bright', 'brisk', 'calm', 'candid', 'clear', 'clever', 'cosmic', 'crisp', 'daring', 'deft',
  'eager', 'early', 'fair', 'fleet', 'fond', 'frank', 'fresh', 'gentle', 'glad', 'golden', 'grand', 'happy', 'hardy', 'honest',
  'humble', 'ideal', 'jolly', 'keen', 'kind', 'lively', 'loyal', 'lucky', 'mellow', 'merry', 'mild', 'modest', 'neat', 'nimble',
  'noble', 'patient', 'plucky', 'polite', 'proud', 'quick', 'quiet', 'rapid', 'ready', 'royal', 'sharp', 'silver', 'smart', 'snug',
  'solid', 'steady', 'sunny', 'swift', 'tidy', 'vivid', 'warm', 'witty',
] as const;
const animals = [
  'badger', 'bear', 'beaver', 'bison', 'bobcat', 'camel', 'cheetah', 'cobra', 'condor', 'crane', 'deer', 'dolphin', 'eagle', 'egret',
  'falcon', 'ferret', 'finch', 'fox', 'gecko', 'gibbon', 'goose', 'hare', 'hawk', 'heron', 'ibex', 'iguana', 'jackal', 'jaguar',
  'koala', 'lark', 'lemur', 'leopard', 'lion', 'llama', 'lynx', 'magpie', 'marten', 'mole', 'moose', 'newt', 'ocelot', 'orca',
  'otter', 'owl', 'panda', 'panther', 'pelican', 'puffin', 'puma', 'rabbit', 'raven', 'robin', 'salmon', 'seal', 'stork', 'swan',
  'tapir', 'tiger', 'toucan', 'turtle', 'viper', 'walrus', 'wolf', 'wren',
] as const;

/**
 * A two-word session name that is not in `taken`. `random(n)` gives an integer below n. 4,096 names; where all are taken a
 * number is appended.
 */
export function generateSessionName(taken: ReadonlySet<string>, random: (below: number) => number): string {
  const start = random(moods.length * animals.length);
  for (let step = 0; ; step++) {
    const index = (start + step) % (moods.length * animals.length);
    const round = Math.floor(step / (moods.length * animals.length));
    const words = `${moods[index % moods.length] ?? ''}-${animals[Math.floor(index / moods.length)] ?? ''}`;
    const name = round === 0 ? words : `${words}-${String(round + 1)}`;
    if (!taken.has(name)) return name;
  }
}

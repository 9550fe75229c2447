import path from 'node:path';
import { HeadjackError } from '../../errors.ts';
import { packageRoot } from '../../headjack.ts';
import { buildBaseImage, type ImageBuildPlan } from '../../operations/image-build.ts';
import type { Handler } from '../context.ts';

const ways: readonly string[] = ['auto', 'dockerfile', 'debootstrap', 'host'];

export const image: Handler<{ way: string; tag: string }> = async (context, words, flags) => {
  if (words[0] !== 'build')
    throw new HeadjackError('usage', `unknown action '${words[0] ?? ''}'`, { hint: 'hjk image build' });
  if (!ways.includes(flags.way))
    throw new HeadjackError('usage', `--way: "${flags.way}" is no way to build`, {
      hint: `one of ${ways.join(', ')}`,
    });
  const { services } = await context.open('image');
  await (await services.runtime()).identify(); // without an engine, say so at once
  const way = await buildBaseImage({
    folder: path.join(packageRoot(), 'images', 'base'),
    tag: flags.tag,
    env: { ...context.io.env, DOCKER_HOST: `unix://${services.socket}` },
    way: flags.way as ImageBuildPlan['way'],
    note: text => {
      services.progress.phase(text);
    },
  });
  services.progress.done();
  const minimal = way === 'host' ? ' (minimal: from the programs of this machine)' : '';
  context.output.answer(`Built image ${flags.tag}${minimal}`);
  return 0;
};

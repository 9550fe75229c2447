import path from 'node:path';
import { formatAge } from '../../core/age.ts';
import { printable } from '../../core/printable.ts';
import { HeadjackError } from '../../errors.ts';
import { packageRoot } from '../../headjack.ts';
import { buildBaseImage, type ImageBuildPlan } from '../../operations/image-build.ts';
import { listImages, removeImages } from '../../operations/images.ts';
import type { CommandContext, Handler } from '../context.ts';
import { formatTable } from '../table.ts';

const ways: readonly string[] = ['auto', 'dockerfile', 'debootstrap', 'host'];

interface ImageFlags {
  way: string;
  tag: string;
}

export const image: Handler<ImageFlags> = async (context, words, flags) => {
  const [action = '', ...images] = words;
  const actions: Record<string, () => Promise<void>> = {
    build: () => build(context, flags),
    list: () => list(context),
    rm: () => remove(context, images),
  };
  const run = actions[action];
  if (run === undefined || (action !== 'rm' && images.length > 0))
    throw new HeadjackError('usage', `unknown action '${words.join(' ')}'`, {
      hint: 'hjk image build, hjk image list, hjk image rm <image>',
    });
  await run();
  return 0;
};

async function list(context: CommandContext): Promise<void> {
  const { services } = await context.open('image');
  const images = await listImages(services);
  if (context.json) {
    context.output.json({
      images: images.map(found => ({ ...found, created: new Date(found.created).toISOString() })),
    });
    return;
  }
  const rows = images.map(found => [
    printable(found.name),
    found.kind,
    `${(found.bytes / 1e6).toFixed(0)} MB`,
    formatAge(found.created, services.now()),
  ]);
  context.output.answer(
    rows.length === 0 ? 'No images found' : formatTable(['IMAGE', 'KIND', 'SIZE', 'CREATED'], rows),
  );
}

async function remove(context: CommandContext, images: readonly string[]): Promise<void> {
  if (images.length === 0)
    throw new HeadjackError('usage', 'hjk image rm needs the name of an image', { hint: 'hjk image list' });
  const { services } = await context.open('image');
  const removed = await removeImages(services, images);
  if (context.json) context.output.json({ removed });
  else context.output.answer(removed.map(name => `Removed image ${name}`).join('\n'));
}

async function build(context: CommandContext, flags: ImageFlags): Promise<void> {
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
  if (context.json) context.output.json({ image: flags.tag, way });
  else context.output.answer(`Built image ${flags.tag}${minimal}`);
}

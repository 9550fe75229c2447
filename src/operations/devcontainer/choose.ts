import { composeFiles, type ReadBranch } from '../../devcontainer/branch-files.ts';
import { needsBuilder, textOf, type DevcontainerConfig } from '../../devcontainer/config.ts';
import { requireProgram } from '../../devcontainer/program.ts';
import type { Repository } from '../../core/repository.ts';
import { requireImage } from '../make-container.ts';
import type { RunOptions } from '../options.ts';
import type { Services } from '../services.ts';
import type { ContainerSource } from '../instance-spec.ts';
import { findDevcontainer } from './find.ts';
import { requireTrust } from './trust.ts';

/**
 * `--image`, else the branch's devcontainer.json (`--devcontainer`), else the configured image. The image is fetched where that is
 * wanted; a devcontainer.json that reaches this machine has to be approved.
 * @throws HeadjackError usage, image_missing, devcontainer_invalid, devcontainer_missing, untrusted
 */
export async function chooseSource(
  services: Services,
  at: {
    readonly repository: Repository;
    readonly branch: string;
    readonly read: ReadBranch;
    readonly options: Pick<RunOptions, 'image' | 'devcontainer' | 'pull'>;
  },
): Promise<ContainerSource> {
  const { options } = at;
  const found =
    options.image === undefined ? await findDevcontainer(at.read, options.devcontainer) : undefined;
  const image = options.image ?? (found === undefined ? services.settings.baseImage : imageOf(found.config));
  const known = image === '' ? undefined : await requireImage(services, image, options.pull);
  if (found === undefined) return { image };
  const { file, digest } = found.content;
  // what images of dev containers say about themselves is for the CLI, too
  const labelled = !['', '[]'].includes(known?.labels['devcontainer.metadata']?.replace(/\s/g, '') ?? '');
  if (!needsBuilder(found.config) && !labelled)
    return { image: image === '' ? services.settings.baseImage : image, devcontainerFile: file };
  requireProgram(services.devcontainer, file);
  requireTrust(services, at.repository, at.branch, found);
  const compose = composeFiles(found.config).length > 0;
  return { image, devcontainerFile: file, devcontainer: { file, digest, ...(compose ? { compose } : {}) } };
}

function imageOf(config: DevcontainerConfig): string {
  const builds = 'build' in config || 'dockerFile' in config || composeFiles(config).length > 0;
  return builds ? '' : (textOf(config['image']) ?? '');
}

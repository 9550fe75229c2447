import { composeFiles, type ReadBranch } from '../../devcontainer/branch-files.ts';
import { needsBuilder, textOf, type DevcontainerConfig } from '../../devcontainer/config.ts';
import { requireProgram } from '../../devcontainer/program.ts';
import type { Repository } from '../../core/repository.ts';
import { requireImage } from '../make-container.ts';
import type { PullPolicy } from '../options.ts';
import type { Services } from '../services.ts';
import type { DevcontainerSpec } from '../instance-spec.ts';
import { findDevcontainer } from './find.ts';
import { requireTrust } from './trust.ts';

/** What a container is to be made of. */
export interface Making {
  /** '' where the devcontainer.json builds it. */
  readonly image: string;
  /** Set where the devcontainer CLI makes it. */
  readonly devcontainer: DevcontainerSpec | undefined;
}

/**
 * `--image`, else the branch's devcontainer.json, else the configured image. The image is fetched where that is wanted; a
 * devcontainer.json that reaches this machine has to be approved.
 * @throws HeadjackError image_missing, devcontainer_invalid, devcontainer_missing, untrusted
 */
export async function chooseMaking(
  services: Services,
  at: {
    readonly repository: Repository;
    readonly branch: string;
    readonly read: ReadBranch;
    readonly given: string | undefined;
    readonly pull: PullPolicy;
  },
): Promise<Making> {
  const found = at.given === undefined ? await findDevcontainer(at.read) : undefined;
  const image = at.given ?? (found === undefined ? services.settings.baseImage : imageOf(found.config));
  const known = image === '' ? undefined : await requireImage(services, image, at.pull);
  if (found === undefined) return { image, devcontainer: undefined };
  // what images of dev containers say about themselves is for the CLI, too
  const labelled = !['', '[]'].includes(known?.labels['devcontainer.metadata']?.replace(/\s/g, '') ?? '');
  if (!needsBuilder(found.config) && !labelled)
    return { image: image === '' ? services.settings.baseImage : image, devcontainer: undefined };
  requireProgram(services.devcontainer, found.content.file);
  requireTrust(services, at.repository, at.branch, found);
  const { file, digest } = found.content;
  const compose = composeFiles(found.config).length > 0;
  return { image, devcontainer: { file, digest, ...(compose ? { compose } : {}) } };
}

function imageOf(config: DevcontainerConfig): string {
  const builds = 'build' in config || 'dockerFile' in config || composeFiles(config).length > 0;
  return builds ? '' : (textOf(config['image']) ?? '');
}

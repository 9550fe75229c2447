import { parse, type ParseError } from 'jsonc-parser';
import { HeadjackError } from '../errors.ts';
import type { RepositoryGit, Services } from './services.ts';

const places = ['.devcontainer/devcontainer.json', '.devcontainer.json'];

/**
 * `--image`, else the `image` of the branch's devcontainer.json, else the configured default. The file is read from the commit;
 * nothing of it runs.
 * @throws HeadjackError devcontainer_unsupported where the file builds its image
 */
export async function chooseImage(
  services: Services,
  git: RepositoryGit,
  commit: string,
  given: string | undefined,
): Promise<string> {
  if (given !== undefined) return given;
  const found = await git.findFile(commit, places);
  if (found === undefined) return services.settings.baseImage;
  const errors: ParseError[] = [];
  const file: unknown = parse(found.text, errors, { allowTrailingComma: true });
  const hint = 'name an image with --image <ref>';
  if (errors.length > 0 || typeof file !== 'object' || file === null) {
    throw new HeadjackError(
      'devcontainer_unsupported',
      `${found.file} of the branch is no valid JSON with comments`,
      { hint },
    );
  }
  if ('image' in file && typeof file.image === 'string' && file.image !== '') return file.image;
  if (['build', 'dockerFile', 'dockerComposeFile'].some(key => key in file)) {
    throw new HeadjackError(
      'devcontainer_unsupported',
      `${found.file} of the branch builds its image, which hjk does not do yet`,
      { hint },
    );
  }
  return services.settings.baseImage;
}

import { ProgramMissing } from '../process/programs.ts';
import { runCaptured } from '../process/run.ts';
import { HeadjackError } from '../errors.ts';

export interface ImageBuildPlan {
  /** `images/base` of the package. */
  readonly folder: string;
  readonly tag: string;
  readonly env: NodeJS.ProcessEnv;
  /** `auto` tries all, in this order. */
  readonly way: 'auto' | 'dockerfile' | 'debootstrap' | 'host';
  readonly note: (text: string) => void;
}

/** How long the pull of the Dockerfile's base may take: without a registry it would hang for minutes. */
const PULL_SECONDS = 20;

/**
 * Makes the base image: `docker build` of images/base, else debootstrap where apt answers, else from the host's own programs,
 * marked as minimal. Gives the way that worked.
 */
export async function buildBaseImage(plan: ImageBuildPlan): Promise<string> {
  const ways = plan.way === 'auto' ? (['dockerfile', 'debootstrap', 'host'] as const) : [plan.way];
  const failures: string[] = [];
  for (const way of ways) {
    plan.note(`building ${plan.tag} (${way})`);
    const failed = await tryWay(plan, way);
    if (failed === undefined) return way;
    failures.push(`${way}: ${failed}`);
    plan.note(failed);
  }
  throw new HeadjackError('image_build_failed', `image ${plan.tag} cannot be built`, {
    details: failures,
    hint: 'look at what each way says with: hjk image build -v',
  });
}

async function tryWay(
  plan: ImageBuildPlan,
  way: 'dockerfile' | 'debootstrap' | 'host',
): Promise<string | undefined> {
  const { env, folder, tag } = plan;
  const script = `${folder}/${way === 'dockerfile' ? 'from-dockerfile' : way === 'debootstrap' ? 'from-debootstrap' : 'from-host'}.sh`;
  const args = [script, tag, folder, String(PULL_SECONDS)];
  try {
    const result = await runCaptured('sh', args, { env });
    if (result.code === 0) return undefined;
    return result.stderr.trim().split('\n').at(-1) ?? `exit code ${String(result.code)}`;
  } catch (error) {
    return error instanceof ProgramMissing ? 'sh is not installed' : String(error);
  }
}

import path from 'node:path';
import { dockerfileOf, isRecord, textsOf, type DevcontainerConfig } from '../../devcontainer/config.ts';
import type { Answer, EngineCall } from '../../devcontainer/gate.ts';
import { HeadjackError } from '../../errors.ts';
import { commitClaimed, type Claim } from '../operation.ts';
import type { Services } from '../services.ts';
import { composeProject, imageLabel } from './clean.ts';
import { answerCompose } from './answer-compose.ts';
import type { ProjectNames } from './compose-resolve.ts';
import { findBuildReaches, withoutTags } from './engine-calls.ts';
import { ownFeatureContent, renameFeatureContent } from './feature-content.ts';
import { isRootExec, isRootStrange } from './root-programs.ts';
import { beginMaking, requireInside, type MadeContainer, type MakerOrder, type Making } from './making.ts';
import { makeSingle, type Unfinished } from './single-container.ts';

/** Answers the calls that the devcontainer CLI makes of the engine. */
export interface ContainerMaker {
  readonly answer: (call: EngineCall) => Promise<Answer>;
  readonly made: MadeContainer | undefined;
  /** Why a call was refused: says it better than the CLI, which only sees that one failed. */
  readonly refusal: unknown;
  /** Removes what was made. */
  undo(): Promise<void>;
}

/** Calls that act on what is ours already, or bring an image. (Those that only look do not come here.) */
const harmlessCalls = /^(exec|logs|start|tag|pull)$/;

export function createContainerMaker(services: Services, held: Claim, at: MakerOrder): ContainerMaker {
  const { entry } = held;
  const making = beginMaking(services, held, at);
  // the CLI itself reads the Dockerfile
  const dockerfile = dockerfileOf(making.config);
  if (dockerfile !== undefined)
    requireInside(making, [dockerfile], path.join(at.plan.worktree, path.dirname(at.found.content.file)));
  const unfinished: Unfinished = {};
  const names: ProjectNames = {};
  let made: MadeContainer | undefined;
  let refusal: unknown;

  const answer = async ({ program, args }: EngineCall): Promise<Answer> => {
    const [verb = ''] = args;
    if (program === 'compose') return compose(args, false);
    if (verb === 'compose') return compose(args.slice(1), true);
    if (verb === 'build' || (verb === 'buildx' && args[1] === 'build')) return answerBuild(making, args);
    if (verb === 'run') {
      made = await makeSingle(making, args, unfinished);
      services.progress.phase('commands of the dev container');
      return { hold: true };
    }
    const image = args.at(-1) ?? '';
    if (verb === 'pull' && /^(localhost\/|docker\.io\/)?headjack\//.test(image))
      throw new HeadjackError('image_missing', `image ${image} is not on the engine`, {
        hint: 'hjk image build',
      });
    if (isRootExec(args) && made?.user.uid !== 0 && (await isRootStrange(services)))
      throw new HeadjackError('devcontainer_failed', 'headjack does not let the devcontainer CLI be root', {
        hint: 'with "remoteUser": "root" and your approval it may',
      });
    if (harmlessCalls.test(verb)) return { run: [...services.engineCommand(), ...args] };
    throw new HeadjackError(
      'devcontainer_failed',
      `headjack lets no dev container do this: ${args.slice(0, 3).join(' ')}`,
    );
  };
  const compose = async (args: readonly string[], plugin: boolean): Promise<Answer> => {
    const done = await answerCompose(making, { args, plugin }, unfinished, names);
    made ??= done.made;
    return done.answer;
  };

  return {
    answer: async call => {
      try {
        return await answer(call);
      } catch (error) {
        refusal ??= error;
        throw error;
      }
    },
    get made() {
      return made;
    },
    get refusal() {
      return refusal;
    },
    async undo() {
      const runtime = await services.runtime();
      const { container, volumes = [] } = unfinished;
      if (container !== undefined) await runtime.remove(container);
      for (const volume of volumes) await runtime.removeVolume(volume);
      if ('dockerComposeFile' in making.config)
        await runtime.removeProject(composeProject(services, entry.id));
      if (container !== undefined)
        await commitClaimed(services, held, draft => {
          draft.container_id = '';
        });
    },
  };
}

function answerBuild(making: Making, args: readonly string[]): Answer {
  const { services, held, plan, scratch } = making;
  making.requireApproved(findBuildReaches(args, [plan.worktree, scratch]));
  const first = args[0] === 'buildx' ? 2 : 1;
  renameFeatureContent(making);
  const words = withoutTags(args.slice(first), textsOf(buildOptions(making.config))).map(word =>
    ownFeatureContent(word, making),
  );
  const own = [
    '--label',
    imageLabel(services, held.entry.id),
    // without BuildKit the container of a step that fails would stay
    ...(first === 1 ? ['--force-rm'] : []),
  ];
  return {
    run: [...services.engineCommand(), ...args.slice(0, first), ...own, ...words],
    build: true,
  };
}

function buildOptions({ build }: DevcontainerConfig): unknown {
  return isRecord(build) ? build['options'] : undefined;
}

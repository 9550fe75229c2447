/**
 * What podman's service (seen with 4.3) says when a step of a build was lost because other calls came and went meanwhile: the kernel
 * ends the step with the thread that started it. The steps before it are kept, so the next try goes on from there.
 */
export const LOST_BUILD_STEP = 'while running runtime: signal: killed';

export const BUILD_TRIES = 6;

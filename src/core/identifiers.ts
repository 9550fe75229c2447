/** Ids and names that occur in the catalog and in file names. */
export const INSTANCE_ID = /^[0-9a-f]{8}$/;
export const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;
export const MUX_ID = /^[A-Za-z0-9_-]{0,255}$/;
export const SESSION_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
export const CONTAINER_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,255}$/;

export function muxSessionId(instanceId: string, sessionId: string): string {
  return `hjk-${instanceId}-${sessionId}`;
}

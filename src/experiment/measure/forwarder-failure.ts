import type { ForwarderUnderTest } from './forwarder-under-test.js';

/** Why a trial failed, with what is known of the forwarder's end and of what it said meanwhile. */
export async function failureOf(
  message: string,
  forwarder: Pick<ForwarderUnderTest, 'ended' | 'detail'>,
): Promise<string> {
  const died = await forwarder.ended().catch(() => null);
  const { said } = forwarder.detail();
  return [
    message,
    ...(died === null || message.includes(died) ? [] : [`forwarder ${died}`]),
    ...(typeof said !== 'string' || message.includes(said) ? [] : [`it said '${said}'`]),
  ].join('; ');
}

/** The role `script`: both ends of scripted conversations, and whoever asks for their queues. */
import { native } from '../../data/native/native.js';
import type { NativeScript } from '../../data/native/native-script.js';
import type { Handlers, ScriptMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function scriptRole(): ServedRole & { handlers: Handlers<ScriptMethods> } {
  let script: NativeScript | undefined;
  let over: Promise<string | null> = Promise.resolve(null);
  const opened = (): NativeScript => {
    if (!script) throw new Error('script: not open');
    return script;
  };
  return {
    handlers: {
      open: (options) => {
        script = new (native().Script)(options);
        return { port: script.port };
      },
      run: async (run) => {
        const running = opened();
        over = new Promise((resolve) => {
          running.start(run, resolve);
        });
        const error = await over;
        if (error !== null) throw new Error(`script: ${error}`);
        return running.results();
      },
    },
    end: async () => {
      script?.cancel();
      await over;
    },
  };
}

import { findProgram } from '../../host/program.js';

/** "haproxy not found (apt-get install haproxy)" */
export function notFound(program: string, packages: string): string {
  return `${program} not found (apt-get install ${packages})`;
}

/** Answers for a driver that needs a program and nothing else. */
export function needs(program: string, packages = program): () => Promise<string | null> {
  return () => Promise.resolve(findProgram(program) === null ? notFound(program, packages) : null);
}

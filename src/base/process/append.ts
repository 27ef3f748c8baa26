/**
 * A file of JSON lines that grows by one record at a time, each safe on disk before the next trial.
 */
import { type FileHandle, open } from 'node:fs/promises';

/** What could not be stored, where and why, on one line (exit code 1). Earlier records are kept. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** What appending needs of an open file; tests replace it to make writes fail. */
export interface AppendHandle {
  /** One write(2) at the end of the file. @returns bytes written, which may be fewer than given */
  write(data: Buffer): Promise<number>;
  /** fdatasync(2). */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export type OpenAppend = (path: string) => Promise<AppendHandle>;

/** Opens a file with O_APPEND, creating it. */
export const openAppend: OpenAppend = async (path) =>
  new SystemHandle(await open(path, 'a', 0o644));

class SystemHandle implements AppendHandle {
  constructor(private readonly file: FileHandle) {}

  async write(data: Buffer): Promise<number> {
    return (await this.file.write(data)).bytesWritten;
  }

  async sync(): Promise<void> {
    await this.file.datasync();
  }

  async truncate(size: number): Promise<void> {
    await this.file.truncate(size);
  }

  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** A JSON-lines file open for appending. */
export class AppendFile {
  private constructor(
    private readonly path: string,
    private readonly handle: AppendHandle,
    /** Bytes of whole records. */
    private size: number,
  ) {}

  /** @throws StoreError when the file cannot be opened for writing */
  static async open(path: string, openFile: OpenAppend): Promise<AppendFile> {
    try {
      const handle = await openFile(path);
      return new AppendFile(path, handle, await handle.size());
    } catch (error) {
      throw storeError(path, error);
    }
  }

  /**
   * Appends records as one write, so that a crash leaves all of the lines before it and at most a
   * torn one after, and returns when they are on the disk.
   * @throws StoreError naming the file; what was written in part is cut off again
   */
  async append(records: readonly unknown[]): Promise<void> {
    if (records.length === 0) return;
    const data = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    try {
      const written = await this.handle.write(data);
      // A regular file takes less than was asked only when there is no room for the rest.
      if (written < data.length) throw new StoreError(`${this.path}: ${REASONS['ENOSPC'] ?? ''}`);
      await this.handle.sync();
      this.size += data.length;
    } catch (error) {
      await this.handle.truncate(this.size).catch(() => undefined);
      throw storeError(this.path, error);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; what was stored before is kept',
  EDQUOT: 'the disk quota is used up; what was stored before is kept',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EFBIG: 'the file would grow beyond its limit; what was stored before is kept',
  EIO: 'the disk failed',
};

/** An error of the file system as one line that names the file. */
export function storeError(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new StoreError(`${path}: cannot be written: ${REASONS[code ?? ''] ?? message}`, {
    cause: error,
  });
}

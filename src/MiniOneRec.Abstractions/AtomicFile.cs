namespace MiniOneRec;

/// <summary>Writes files and folders aside and renames them, so that a reader never sees half of one.</summary>
public static class AtomicFile
{
    /// <summary>Writes a file aside, flushes it to the disk, and renames it over <paramref name="path"/>.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="cancellationToken">Looked at before the rename; the earlier file then stays.</param>
    /// <exception cref="IOException">The file cannot be written; the message says that the earlier one is whole.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string aside = full + ".tmp-" + Guid.NewGuid().ToString("N");
        try
        {
            var stream = new FileStream(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, FileOptions.Asynchronous);
            await using (stream.ConfigureAwait(false))
            {
                await write(stream).ConfigureAwait(false);
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
            }

            cancellationToken.ThrowIfCancellationRequested();
            File.Move(aside, full, overwrite: true);
        }
        catch (IOException e) when (e is not FileNotFoundException and not DirectoryNotFoundException)
        {
            throw new IOException($"'{path}' could not be written ({e.Message}); an earlier file of that name is unchanged.", e);
        }
        finally
        {
            File.Delete(aside);
        }
    }

    /// <summary>Writes a folder aside and swaps it in for <paramref name="path"/>.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="write">Writes the content into the folder whose path it is given.</param>
    /// <param name="cancellationToken">Looked at before the swap; the earlier folder then stays.</param>
    /// <exception cref="IOException">The folder cannot be written; the message says that the earlier one is whole.</exception>
    public static async Task WriteFolderAsync(string path, Func<string, Task> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string suffix = Guid.NewGuid().ToString("N");
        string aside = full + ".tmp-" + suffix, earlier = full + ".old-" + suffix;
        Directory.CreateDirectory(aside);
        try
        {
            await write(aside).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (Directory.Exists(full))
            {
                Directory.Move(full, earlier);
            }

            try
            {
                Directory.Move(aside, full);
            }
            catch (IOException) when (Directory.Exists(earlier))
            {
                Directory.Move(earlier, full);
                throw;
            }

            if (Directory.Exists(earlier))
            {
                Directory.Delete(earlier, recursive: true);
            }
        }
        catch (IOException e)
        {
            throw new IOException($"Folder '{path}' could not be written ({e.Message}); an earlier folder of that name is unchanged.", e);
        }
        finally
        {
            if (Directory.Exists(aside))
            {
                Directory.Delete(aside, recursive: true);
            }
        }
    }
}

using System.Text;

namespace MiniOneRec;

/// <summary>Writes files and folders aside and renames them, so that a reader never sees half of one.</summary>
/// <remarks>
/// A path that is a symbolic link is followed: the link stays and its target is replaced. What a killed process left beside the target
/// (<c>NAME.tmp-…</c>, <c>NAME.old-…</c>) is removed by the next write to the same target; what a living process writes is locked and
/// stays.
/// </remarks>
public static class AtomicFile
{
    private const int HeadBytes = 4096;

    /// <summary>Writes a text as UTF-8 aside, flushes it to the disk, and renames it over <paramref name="path"/>.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Looked at before the rename; the earlier file then stays.</param>
    /// <exception cref="IOException">The file cannot be written, or a folder of that name exists; the message says that the earlier one is
    /// whole.</exception>
    public static Task WriteTextAsync(string path, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return WriteAsync(path, stream => stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask(), cancellationToken);
    }

    /// <summary>Writes a file aside, flushes it to the disk, and renames it over <paramref name="path"/>.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="cancellationToken">Looked at before the rename; the earlier file then stays.</param>
    /// <exception cref="IOException">The file cannot be written, or a folder of that name exists; the message says that the earlier one is
    /// whole.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        string full = WriteTarget.Resolve(path);
        if (Directory.Exists(full))
        {
            throw new IOException($"'{path}' is a folder; expected a file or nothing. Nothing was written.");
        }

        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        Leftovers.Clean(full);
        string aside = full + Leftovers.NewSuffix();
        try
        {
            // The open stream is the lock that keeps another writer from taking this file for a leftover. Windows cannot rename an open
            // file.
            var stream = new FileStream(aside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, FileOptions.Asynchronous);
            await using (stream.ConfigureAwait(false))
            {
                await write(stream).ConfigureAwait(false);
                await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
                stream.Flush(flushToDisk: true);
                cancellationToken.ThrowIfCancellationRequested();
                WriteSteps.Reached("file written");
                if (!OperatingSystem.IsWindows())
                {
                    File.Move(aside, full, overwrite: true);
                }
            }

            if (OperatingSystem.IsWindows())
            {
                File.Move(aside, full, overwrite: true);
            }
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

    /// <summary>Writes a file as the other overload does, but leaves a file of another kind alone.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="mayReplace">Looks at the first 4,096 bytes of an existing file and says whether it is of the same kind; not asked about
    /// an empty one.</param>
    /// <param name="overwrite">Whether a file of another kind is replaced too.</param>
    /// <param name="cancellationToken">Looked at before the rename; the earlier file then stays.</param>
    /// <exception cref="IOException">A file of another kind exists and <paramref name="overwrite"/> is not set, or the file cannot be
    /// written.</exception>
    public static async Task WriteAsync(
        string path, Func<Stream, Task> write, Func<ReadOnlyMemory<byte>, bool> mayReplace, bool overwrite = false,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(mayReplace);
        string full = WriteTarget.Resolve(path);
        if (!overwrite && File.Exists(full))
        {
            byte[] head = new byte[HeadBytes];
            int read;
            var existing = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await using (existing.ConfigureAwait(false))
            {
                read = await existing.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken)
                    .ConfigureAwait(false);
            }

            if (read > 0 && !mayReplace(head.AsMemory(0, read)))
            {
                throw new IOException(
                    $"'{path}' exists and is a file of another kind; it was left as it is. Choose another name, "
                    + "or pass overwrite: true to replace it.");
            }
        }

        await WriteAsync(path, write, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes a folder aside and swaps it in for <paramref name="path"/>.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="write">Writes the content into the folder whose path it is given.</param>
    /// <param name="cancellationToken">Looked at before the swap; the earlier folder then stays.</param>
    /// <exception cref="IOException">
    /// The folder cannot be written, or an existing one holds something that the new one does not have; the message says that the earlier
    /// one is whole.
    /// </exception>
    public static Task WriteFolderAsync(string path, Func<string, Task> write, CancellationToken cancellationToken = default) =>
        WriteFolderAsync(path, write, overwrite: false, cancellationToken);

    /// <summary>Writes a folder aside and swaps it in for <paramref name="path"/>.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="write">Writes the content into the folder whose path it is given.</param>
    /// <param name="overwrite">Whether an existing folder is replaced although it holds files or folders of names that the new one does not
    /// have.</param>
    /// <param name="cancellationToken">Looked at before the swap; the earlier folder then stays.</param>
    /// <exception cref="IOException">
    /// The folder cannot be written, or an existing one holds something that the new one does not have; the message says that the earlier
    /// one is whole.
    /// </exception>
    public static Task WriteFolderAsync(string path, Func<string, Task> write, bool overwrite,
        CancellationToken cancellationToken = default) =>
        WriteFolderAsync(
            path,
            write,
            (target, aside) => overwrite || aside is null ? null
            : WriteTarget.Foreign(target, name => Path.Exists(Path.Combine(aside, name))),
            cancellationToken);

    /// <summary>Writes a folder where what may be replaced is known by name.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="write">Writes the content into the folder whose path it is given.</param>
    /// <param name="isOurs">Whether a file or folder of that name, directly in the target, may be replaced.</param>
    /// <param name="overwrite">Whether everything may be replaced.</param>
    /// <param name="cancellationToken">Looked at before the swap; the earlier folder then stays.</param>
    /// <exception cref="IOException">The folder cannot be written, or an existing one holds something else.</exception>
    public static Task WriteFolderAsync(
        string path, Func<string, Task> write, Func<string, bool> isOurs, bool overwrite = false,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(isOurs);
        return WriteFolderAsync(path, write, (target, _) => overwrite ? null : WriteTarget.Foreign(target, isOurs), cancellationToken);
    }

    /// <summary>Checks, before long work, that a folder will not be refused when it is written.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="isOurs">Whether a file or folder of that name, directly in the target, may be replaced.</param>
    /// <exception cref="IOException">The path is a file, or a folder that holds something else.</exception>
    public static void CheckFolder(string path, Func<string, bool> isOurs)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(isOurs);
        WriteTarget.Check(path, WriteTarget.Resolve(path), target => WriteTarget.Foreign(target, isOurs), ", or empty this one");
    }

    /// <summary>Writes a folder after a check of what exists, which is repeated immediately before the swap.</summary>
    /// <param name="path">The folder to make or replace.</param>
    /// <param name="write">Writes the content into the folder whose path it is given.</param>
    /// <param name="refusal">Gets why an existing target, not empty, is not replaced; first called without the new folder, then with
    /// it.</param>
    /// <param name="cancellationToken">Looked at before the swap; the earlier folder then stays.</param>
    internal static async Task WriteFolderAsync(
        string path, Func<string, Task> write, Func<string, string?, string?> refusal, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);

        string full = WriteTarget.Resolve(path);
        Leftovers.Recover(full);
        WriteTarget.Check(path, full, target => refusal(target, null));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        Leftovers.Clean(full);
        string aside = full + Leftovers.NewSuffix();
        using var mark = Leftovers.Lock(aside);
        try
        {
            Directory.CreateDirectory(aside);
            WriteSteps.Reached("folder made");
            await write(aside).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            WriteSteps.Reached("content written");
            WriteTarget.Check(path, full, target => refusal(target, aside));
            FolderSwap.Put(aside, full);
            WriteSteps.Reached("swapped");
        }
        catch (Exception e) when (e is IOException and not TargetRefusedException)
        {
            throw new IOException($"Folder '{path}' could not be written ({e.Message}); an earlier folder of that name is unchanged.", e);
        }
        finally
        {
            Leftovers.Delete(aside);
        }
    }
}

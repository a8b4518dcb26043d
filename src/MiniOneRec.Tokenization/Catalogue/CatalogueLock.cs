namespace MiniOneRec.Tokenization;

/// <summary>Lets one process at a time replace a catalogue's folder, by a lock file beside it.</summary>
internal static class CatalogueLock
{
    private const int PollMilliseconds = 20;
    private const int WaitMilliseconds = 30_000;

    /// <summary>Waits until no other process replaces the folder.</summary>
    /// <param name="folder">The folder's full path.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    /// <returns>What gives the lock back.</returns>
    /// <exception cref="IOException">Another process held it for half a minute.</exception>
    public static async Task<IDisposable> AcquireAsync(string folder, CancellationToken cancellationToken)
    {
        string path = folder + ".lock";
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        for (int waited = 0; ; waited += PollMilliseconds)
        {
            try
            {
                var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
                if (File.Exists(path))
                {
                    return held;
                }

                // its last holder has just deleted it: another file is the lock now
                await held.DisposeAsync().ConfigureAwait(false);
            }
            catch (IOException) when (waited < WaitMilliseconds)
            {
            }

            await Task.Delay(PollMilliseconds, cancellationToken).ConfigureAwait(false);
        }
    }
}

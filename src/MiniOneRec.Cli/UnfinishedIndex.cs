using System.Globalization;
using Microsoft.Extensions.AI;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Cli;

/// <summary>What a stopped command <c>index</c> leaves to the next one: the fit so far, and the vectors of texts that a language model has
/// encoded.</summary>
/// <param name="output">The folder of the semantic IDs.</param>
internal sealed class UnfinishedIndex(string output)
{
    private const string Name = "unfinished";
    private readonly string _folder = Path.Combine(Path.GetFullPath(output), Name);

    /// <summary>Gets the checkpoints of the fit.</summary>
    public CheckpointOptions Checkpoints => new() { Folder = Path.Combine(_folder, "quantizer") };

    /// <summary>Gets whether anything is there.</summary>
    public bool Exists => Directory.Exists(_folder);

    private string Texts => Path.Combine(_folder, "texts");

    /// <summary>Makes an encoder keep its vectors until the index is whole.</summary>
    /// <param name="encoder">A language model; disposed with the result.</param>
    /// <param name="path">Its folder or file.</param>
    public IEmbeddingGenerator<string, Embedding<float>> Keep(IEmbeddingGenerator<string, Embedding<float>> encoder, string path)
    {
        string full = Path.GetFullPath(path);
        string[] files = Directory.Exists(full) ? Directory.GetFiles(full) : [full];
        string model = string.Join('\n', files.Order(StringComparer.Ordinal).Select(file => new FileInfo(file)).Select(file =>
            string.Create(CultureInfo.InvariantCulture, $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}")));
        return new CachedEmbeddingGenerator(encoder, Texts, model);
    }

    /// <summary>Deletes it.</summary>
    public void Forget()
    {
        foreach (string part in (string[])[Checkpoints.Folder!, Texts])
        {
            if (Directory.Exists(part))
            {
                Directory.Delete(part, recursive: true);
            }
        }

        if (Exists && !Directory.EnumerateFileSystemEntries(_folder).Any())
        {
            Directory.Delete(_folder);
        }
    }
}

using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Encoders.Onnx;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tokenization;
using TorchSharp;

namespace MiniOneRec.Cli;

/// <summary>Opens what turns item texts into vectors.</summary>
internal static class TextEncoders
{
    /// <summary>The name of the encoder that is fitted to the catalogue's texts.</summary>
    public const string TfIdf = "tfidf";

    /// <summary>Makes the option that names an encoder.</summary>
    /// <param name="otherwise">What happens without it.</param>
    public static Option<string?> Option(string otherwise) => new("--encoder")
    {
        Description = $"What turns item texts into vectors: {TfIdf}, a sentence-transformers folder with model.onnx, or a language model "
            + $"(Hugging Face folder or GGUF file); {otherwise}.",
        HelpName = "PATH",
    };

    /// <summary>Gets the path of an encoder that is opened from files.</summary>
    /// <param name="name">What <c>--encoder</c> was given.</param>
    /// <returns>The path, or <see langword="null"/> for TF-IDF, which is fitted or lies beside the semantic IDs.</returns>
    public static string? PathOf(string? name) => name == TfIdf ? null : name;

    /// <summary>Gets the encoder that the settings of a run name, for a folder of the run or one in it.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>Its path, or <see langword="null"/> where the folder belongs to no run, or the run had TF-IDF.</returns>
    /// <exception cref="InvalidDataException">The settings are no JSON.</exception>
    public static string? OfRun(string folder)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string? file = new[] { full, Path.GetDirectoryName(full) }.OfType<string>()
            .Select(place => Path.Combine(place, SettingsFile.DefaultName)).FirstOrDefault(File.Exists);
        try
        {
            return file is null ? null : PathOf((string?)JsonNode.Parse(File.ReadAllText(file))?["encoder"]);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Settings file '{file}': {e.Message}", e);
        }
    }

    /// <summary>Opens an encoder.</summary>
    /// <param name="path">A sentence-transformers folder with an ONNX model, a Hugging Face folder or a GGUF file, or
    /// <see langword="null"/> or <see cref="TfIdf"/> for TF-IDF.</param>
    /// <param name="device">The device of a language model.</param>
    /// <param name="shared">Seed of TF-IDF.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    public static async Task<IEmbeddingGenerator<string, Embedding<float>>> OpenAsync(
        string? path, string device, MiniOneRecOptions shared, CancellationToken cancellationToken)
    {
        if (path is null or TfIdf)
        {
            return new TfIdfEncoder(shared: shared);
        }

        var options = new CheckpointLoadOptions { Device = torch.device(device) };
        if (File.Exists(Path.Combine(path, "model.onnx")) || File.Exists(Path.Combine(path, "onnx", "model.onnx")))
        {
            return await OnnxTextEncoder.LoadAsync(path, cancellationToken: cancellationToken);
        }

        if (Directory.Exists(path))
        {
            var tokenizer = await TextTokenizer.LoadAsync(path, cancellationToken);
            return new OwnedEncoder(await HuggingFaceFolder.LoadDecoderAsync(path, options, cancellationToken), tokenizer);
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"--encoder: there is no folder or file '{path}'; expected {TfIdf}, a folder or a GGUF file.", path);
        }

        using var file = GgufFile.Open(path);
        return new OwnedEncoder(file.LoadDecoder(options), file.ReadTokenizer());
    }

    // Disposes the model with the encoder.
    private sealed class OwnedEncoder(CausalLanguageModel model, ITextTokenizer tokenizer)
        : DelegatingEmbeddingGenerator<string, Embedding<float>>(new DecoderTextEncoder(model, tokenizer))
    {
        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing)
            {
                model.Dispose();
            }
        }
    }
}

using Microsoft.Extensions.AI;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tokenization;
using TorchSharp;

namespace MiniOneRec.Cli;

/// <summary>Opens what turns item texts into vectors.</summary>
internal static class TextEncoders
{
    /// <summary>Opens an encoder.</summary>
    /// <param name="path">A Hugging Face folder or a GGUF file, or <see langword="null"/> for TF-IDF.</param>
    /// <param name="device">The device of a language model.</param>
    /// <param name="shared">Seed of TF-IDF.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    public static async Task<IEmbeddingGenerator<string, Embedding<float>>> OpenAsync(
        string? path, string device, MiniOneRecOptions shared, CancellationToken cancellationToken)
    {
        if (path is null)
        {
            return new TfIdfEncoder(shared: shared);
        }

        var options = new CheckpointLoadOptions { Device = torch.device(device) };
        if (Directory.Exists(path))
        {
            var tokenizer = await TextTokenizer.LoadAsync(path, cancellationToken);
            return new OwnedEncoder(await HuggingFaceFolder.LoadDecoderAsync(path, options, cancellationToken), tokenizer);
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"--encoder: there is no folder or file '{path}'.", path);
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

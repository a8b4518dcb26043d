using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>A pretrained model with its tokenizer, from a Hugging Face folder or a GGUF file.</summary>
internal static class PretrainedBackbone
{
    /// <summary>Reads the tokenizer.</summary>
    /// <exception cref="FileNotFoundException">The path names neither a folder nor a file, or the folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">The file is no GGUF file, or a file is damaged.</exception>
    public static async Task<TextTokenizer> ReadTokenizerAsync(string path, ILogger? logger, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path))
        {
            return await TextTokenizer.LoadAsync(path, logger, cancellationToken).ConfigureAwait(false);
        }

        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"PretrainedPath is '{path}', where neither a folder nor a file lies; expected a Hugging Face folder (config.json, "
                + "*.safetensors, tokenizer.json) or a .gguf file.", path);
        }

        if (!Path.GetExtension(path).Equals(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException(
                $"PretrainedPath is the file '{path}'; expected a .gguf file, or the folder of a Hugging Face checkpoint.");
        }

        using var file = GgufFile.Open(path);
        return file.ReadTokenizer();
    }

    /// <summary>Loads the weights on the calling thread.</summary>
    /// <exception cref="InvalidDataException">The path is no checkpoint of a decoder, or a file is damaged.</exception>
    public static CausalLanguageModel LoadModel(string path, BackboneRegistry backbones, Device device, ILogger? logger)
    {
        var options = new CheckpointLoadOptions { Device = device, RequireHead = true, Logger = logger };
        if (Directory.Exists(path))
        {
            return backbones.Load(path, options);
        }

        using var file = GgufFile.Open(path);
        return file.LoadDecoder(options);
    }

    /// <summary>Gives the model rows for the codes. It is disposed or returned.</summary>
    /// <exception cref="InvalidDataException">The tokenizer has more tokens than the model rows, or the backbone cannot grow.</exception>
    public static CausalLanguageModel Extend(
        CausalLanguageModel model, string path, TextTokenizer plain, TextTokenizer extended, SemanticIdVocabulary codes,
        TokenRowInitializer rows, long seed)
    {
        try
        {
            return model switch
            {
                _ when plain.VocabularySize > model.Config.VocabularySize => throw new InvalidDataException(
                    $"'{path}': the tokenizer has {plain.VocabularySize} tokens and the model only {model.Config.VocabularySize} rows; "
                    + "they do not belong together."),
                DecoderModel decoder => VocabularyExtension.Extend(decoder, codes, plain.VocabularySize, rows, seed),
                _ when extended.VocabularySize <= model.Config.VocabularySize => model,
                _ => throw new InvalidDataException(
                    $"'{path}': {model.GetType().Name} has {model.Config.VocabularySize} rows and the codes need "
                    + $"{extended.VocabularySize}; only {nameof(DecoderModel)} can be extended. "
                    + "Load a checkpoint that has rows for the codes."),
            };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using static TorchSharp.torch;

namespace MiniOneRec.Cli.Parity;

/// <summary>A checkpoint as the reference system writes it: a Hugging Face folder whose tokenizer knows the codes of one index.</summary>
/// <remarks>Nothing is added to model or tokenizer: a row more would change the softmax over the vocabulary.</remarks>
/// <param name="Model">The decoder, in evaluation mode.</param>
/// <param name="Template">Writes the prompts.</param>
internal sealed record ReleasedCheckpoint(DecoderModel Model, AlpacaTemplate Template) : IDisposable
{
    private const string Expected = "expected a Hugging Face folder: config.json, tokenizer.json and *.safetensors";

    /// <summary>Reads the tokenizer of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the tokenizer knows no code.</exception>
    public static async Task<TextTokenizer> ReadTokenizerAsync(string folder, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"--checkpoint: there is no folder '{Path.GetFullPath(folder)}'; {Expected}.");
        }

        foreach (string file in (string[])["config.json", "tokenizer.json"])
        {
            if (!File.Exists(Path.Combine(folder, file)))
            {
                throw new FileNotFoundException($"--checkpoint: '{folder}' has no {file}; {Expected}.", Path.Combine(folder, file));
            }
        }

        var tokenizer = await TextTokenizer.LoadAsync(folder, cancellationToken);
        return tokenizer.FindSemanticIds() is not null ? tokenizer : throw new InvalidDataException(
            $"The tokenizer of '{folder}' has no token for a code, for example <a_0>: this is no checkpoint that was trained on semantic "
            + "IDs. 'minionerec import' makes a model of it that can be trained.");
    }

    /// <summary>Loads the weights.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="index">The semantic IDs of the data.</param>
    /// <param name="wording">How the next item is asked for.</param>
    /// <param name="device">The device.</param>
    /// <param name="type">The type of the weights, or <see langword="null"/> as stored.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged, or checkpoint and data do not belong together.</exception>
    public static async Task<ReleasedCheckpoint> LoadAsync(
        string folder, TextTokenizer tokenizer, SemanticIdIndex index, NextItemWording wording, string device, ScalarType? type,
        CancellationToken cancellationToken)
    {
        if (Missing(tokenizer, index) is { Length: > 0 } missing)
        {
            throw new InvalidDataException(
                $"The tokenizer of '{folder}' has no token for {missing.Length} of the data's codes, for example {missing[0]}; "
                + "the checkpoint was trained on another index.");
        }

        var options = new CheckpointLoadOptions { Device = new Device(device), Type = type, RequireHead = true };
        var model = await HuggingFaceFolder.LoadDecoderAsync(folder, options, cancellationToken);
        try
        {
            if (tokenizer.VocabularySize > model.Config.VocabularySize)
            {
                throw new InvalidDataException(
                    $"'{folder}': the tokenizer has {tokenizer.VocabularySize} tokens and the model {model.Config.VocabularySize} rows; "
                    + "they do not belong together.");
            }

            model.eval();
            return new ReleasedCheckpoint(model, new AlpacaTemplate(tokenizer, index.LevelSizes, wording));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Gets the codes of an index that a tokenizer has no token for.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="index">The index.</param>
    public static string[] Missing(ITextTokenizer tokenizer, SemanticIdIndex index) =>
    [
        .. index.SemanticIds
            .SelectMany(id => Enumerable.Range(0, id.Depth).Select(level => (Level: level, Code: id[level])))
            .Distinct().Order().Select(code => SemanticId.TokenText(code.Level, code.Code))
            .Where(text => !tokenizer.TryGetToken(text, out _)),
    ];

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}

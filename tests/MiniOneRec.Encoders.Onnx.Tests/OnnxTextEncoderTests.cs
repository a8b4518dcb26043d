using Microsoft.Extensions.AI;

namespace MiniOneRec.Encoders.Onnx.Tests;

public class OnnxTextEncoderTests
{
    [Fact]
    public async Task GenerateAsync_BareFolder_IsTheMeanOverTheTokensOfEachText()
    {
        using var folder = new TinyModel();
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        var vectors = await encoder.GenerateAsync(["red", "", "Blue TENTS, red", "zebra"]);

        Assert.Equal(TinyModel.Mean(2, 4, 3), vectors[0].Vector.ToArray());
        Assert.Equal(TinyModel.Mean(2, 3), vectors[1].Vector.ToArray());
        Assert.Equal(TinyModel.Mean(2, 5, 6, 7, 1, 4, 3), vectors[2].Vector.ToArray());      // blue tent ##s [UNK] red
        Assert.Equal(TinyModel.Mean(2, 1, 3), vectors[3].Vector.ToArray());
        Assert.Equal(3 + 2 + 7 + 3, vectors.Usage!.InputTokenCount);
        Assert.Equal(7, encoder.CountTokens("Blue TENTS, red"));
    }

    [Theory]
    [InlineData("pooling_mode_cls_token", new[] { 2 })]
    [InlineData("pooling_mode_lasttoken", new[] { 3 })]
    [InlineData("pooling_mode_mean_tokens", new[] { 2, 4, 5, 3 })]
    public async Task GenerateAsync_Pooling_IsTheFolders(string key, int[] tokens)
    {
        using var folder = new TinyModel(types: false);
        folder.Write("modules.json", """
            [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
             {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
             {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
            """);
        folder.Write("1_Pooling/config.json", $$"""{"word_embedding_dimension": 3, "{{key}}": true, "pooling_mode_max_tokens": false}""");
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        float[] vector = (await encoder.GenerateAsync(["red blue", "a a a a a a"]))[0].Vector.ToArray();

        float[] mean = TinyModel.Mean(tokens);
        double length = Math.Sqrt(mean.Sum(value => value * value));
        Assert.True(encoder.Normalise);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(mean[i] / length, vector[i], 1e-5);
        }
    }

    [Fact]
    public async Task GenerateAsync_LongText_IsCutByTokens()
    {
        using var folder = new TinyModel();
        folder.Write("sentence_bert_config.json", """{"max_seq_length": 4, "do_lower_case": false}""");
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        Assert.Equal(4, encoder.MaxTokens);
        Assert.Equal(TinyModel.Mean(2, 4, 5, 3), (await encoder.GenerateAsync(["red blue tents a a"]))[0].Vector.ToArray());
        // The cut is within a word.
        Assert.Equal(TinyModel.Mean(2, 4, 6, 3), (await encoder.GenerateAsync(["red tents a a"]))[0].Vector.ToArray());
    }

    [Fact]
    public async Task GenerateAsync_ManyTexts_ComeBackInOrderFromBatchesOfLikeLength()
    {
        using var folder = new TinyModel();
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path, new() { BatchSize = 3, MaxBatchTokens = 20 });
        int[] lengths = [1, 9, 2, 8, 3, 7, 4, 6, 5, 30];

        var vectors = await encoder.GenerateAsync(lengths.Select(length => string.Join(' ', Enumerable.Repeat("tent", length))));

        for (int i = 0; i < lengths.Length; i++)
        {
            float[] expected = TinyModel.Mean([2, .. Enumerable.Repeat(6, lengths[i]), 3]);
            Assert.Equal(expected[0], vectors[i].Vector.Span[0], 1e-4);
            Assert.Equal(expected[1], vectors[i].Vector.Span[1], 1e-4);
        }

        int[][] batches = [.. encoder.Batches([.. lengths.Select(length => new int[length + 2])])];
        Assert.Equal([[9], [1], [3, 5], [7, 8], [6, 4, 2], [0]], batches);
    }

    [Fact]
    public async Task GenerateAsync_Cancelled_Stops()
    {
        using var folder = new TinyModel();
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            encoder.GenerateAsync(["red"], cancellationToken: new CancellationToken(canceled: true)));
        await Assert.ThrowsAsync<ArgumentException>(() => encoder.GenerateAsync(["red", null!]));
    }

    [Fact]
    public async Task GetService_Metadata_NamesTheModel()
    {
        using var folder = new TinyModel();
        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        var metadata = encoder.GetService<EmbeddingGeneratorMetadata>()!;

        Assert.Equal(Path.GetFileName(folder.Path), metadata.DefaultModelId);
        Assert.Equal(3, metadata.DefaultModelDimensions);
        Assert.Same(encoder, encoder.GetService<OnnxTextEncoder>());
    }

    [Fact]
    public async Task LoadAsync_TokenizerJson_GivesTheSameVectors()
    {
        using var folder = new TinyModel();
        File.Delete(folder.File_("vocab.txt"));
        string vocabulary = string.Join(", ", TinyModel.Vocabulary.Select((token, id) => $"\"{token}\": {id}"));
        folder.Write("tokenizer.json", "{\"model\": {\"type\": \"WordPiece\", \"vocab\": {" + vocabulary + "}}}");
        Directory.CreateDirectory(folder.File_("onnx"));
        File.Move(folder.File_("model.onnx"), folder.File_("onnx/model.onnx"));

        using var encoder = await OnnxTextEncoder.LoadAsync(folder.Path);

        Assert.Equal(TinyModel.Mean(2, 6, 7, 3), (await encoder.GenerateAsync(["tents"]))[0].Vector.ToArray());
    }

    [Theory]
    [InlineData("vocab.txt", null, "holds no tokenizer; expected vocab.txt or tokenizer.json")]
    [InlineData("vocab.txt", "red\nblue", "lacks '[CLS]'")]
    [InlineData("model.onnx", null, "holds no model; expected model.onnx or onnx")]
    [InlineData("model.onnx", "no model", "cannot be opened")]
    [InlineData("sentence_bert_config.json", "{", "is no JSON")]
    [InlineData("sentence_bert_config.json", """{"max_seq_length": "many"}""", "key 'max_seq_length' is \"many\"; expected a whole number")]
    [InlineData("tokenizer_config.json", """{"do_lower_case": 1}""", "key 'do_lower_case' is 1; expected true or false")]
    [InlineData("modules.json", "{}", "must be a list of modules")]
    [InlineData("modules.json", """[{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}]""", "names the module 'sentence_transformers.models.Dense'")]
    [InlineData("modules.json", """[{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]""", "does not exist; modules.json names it")]
    public async Task LoadAsync_BadFolder_NamesFileAndWhatWasExpected(string file, string? content, string part)
    {
        using var folder = new TinyModel();
        File.Delete(folder.File_(file));
        if (content is not null)
        {
            folder.Write(file, content);
        }

        var error = (await Record.ExceptionAsync(() => OnnxTextEncoder.LoadAsync(folder.Path)))!;

        Assert.True(error is FileNotFoundException or InvalidDataException, error.ToString());

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"pooling_mode_max_tokens": true}""", "[pooling_mode_max_tokens]")]
    [InlineData("""{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}""", "[pooling_mode_mean_tokens, pooling_mode_cls_token]")]
    [InlineData("{}", "[]")]
    public async Task LoadAsync_UnknownPooling_IsRefused(string config, string named)
    {
        using var folder = new TinyModel();
        folder.Write("modules.json", """[{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]""");
        folder.Write("1_Pooling/config.json", config);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => OnnxTextEncoder.LoadAsync(folder.Path));

        Assert.Contains("asks for the pooling " + named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_OtherTokenizerOrModel_IsRefused()
    {
        using var folder = new TinyModel();
        File.Delete(folder.File_("vocab.txt"));
        folder.Write("tokenizer.json", """{"model": {"type": "BPE"}}""");
        Assert.Contains("a tokenizer of type BPE; expected WordPiece",
            (await Assert.ThrowsAsync<InvalidDataException>(() => OnnxTextEncoder.LoadAsync(folder.Path))).Message,
            StringComparison.Ordinal);

        using var vocabulary = new MemoryStream("[PAD]\n[UNK]\n[CLS]\n[SEP]"u8.ToArray());
        var error =
            Assert.Throws<InvalidDataException>(() => new OnnxTextEncoder(TinyModel.Lookup(types: true, extraInput: "pixels"), vocabulary));
        Assert.Contains("pixels", error.Message, StringComparison.Ordinal);

        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => OnnxTextEncoder.LoadAsync(folder.Path + "-none"));
        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() =>
            OnnxTextEncoder.LoadAsync(folder.Path, new() { MaxTokens = 2 }));
    }

    [Theory]
    [InlineData("Café 3M™ x²", "cafe 3m™ x²")]
    [InlineData("a-b_c $5 (d)", "a - b _ c $ 5 ( d )")]
    [InlineData("日本 a\u00ADb\tc\0d", "日 本 ab cd")]
    [InlineData("“Größe” \u00A0 5°", "“ große ” 5°")]
    public void Split_Text_CleansAsBertDoes(string text, string expected) =>
        Assert.Equal(expected, new BertWords(TinyModel.Vocabulary, lowerCase: true, stripAccents: true, "test").Split(text));
}
